/** What `stoker status` is made of. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { overview } from '../../src/ledger/overview.ts'
import { ledgerMigrations } from '../../src/ledger/schema.ts'
import { Database } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import { warehouseMigrations } from '../../src/warehouse/schema.ts'

test('the last run of a source is told, however many others came since', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-overview-'))
  const database = await Database.open({ path: join(folder, 'lake.duckdb'), memoryLimitBytes: 256 << 20 })
  onTestFinished(async () => {
    database.close()
    await rm(folder, { recursive: true })
  })
  await migrate(database, [...ledgerMigrations, ...warehouseMigrations])
  const session = await database.session()
  await session.run(`INSERT INTO stoker.run (run, source, mode, state, started_at, stoker_version)
    SELECT run, if(run = 3, 'failing', 'busy'), 'full', if(run = 3, 'failed', 'done'), '2026-01-01 00:00:00Z', '1' FROM range(1, 31) AS r(run)`)
  const { runs } = await overview((sql) => session.rows(sql))
  expect(runs.map(({ run }) => run)).toEqual([30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 3])
})

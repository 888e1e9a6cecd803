/** When a run was in which phase: overlapping work, errors, a process that was killed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { phaseTimes, Phases, type PhaseSpell } from '../../src/ledger/phases.ts'
import { ledgerMigrations } from '../../src/ledger/schema.ts'
import { Database } from '../../src/store/database.ts'
import { migrate } from '../../src/store/migrate.ts'
import type { Session } from '../../src/store/session.ts'
import { FastClock } from '../bulk/fast-clock.ts'

let folder: string
let database: Database
let session: Session
const clock = new FastClock()

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-phases-'))
  database = await Database.open({ path: join(folder, 'ledger.duckdb'), memoryLimitBytes: 256 << 20 })
  await migrate(database, ledgerMigrations)
  session = await database.session()
})
beforeEach(() => session.run('DELETE FROM stoker.run_phase'))
afterAll(async () => {
  database.close()
  await rm(folder, { recursive: true })
})

const spells = () =>
  session.rows<PhaseSpell>('SELECT phase, started_at, ended_at FROM stoker.run_phase ORDER BY started_at')
const pass = (seconds: number) => Promise.resolve(clock.pass(seconds * 1000))

test('work of one phase that overlaps is one spell, from the first begun to the last ended', async () => {
  const phases = new Phases(session, 1, clock)
  await phases.during('gather', async () => {
    await pass(1)
    await phases.during('gather', () => pass(2))
    await phases.during('export', () => pass(4))
    await pass(8)
  })
  await phases.during('gather', () => pass(16))
  expect(phaseTimes(await spells())).toMatchObject([
    { phase: 'export', tookMs: 4_000, spells: 1, unended: 0 },
    { phase: 'gather', tookMs: 31_000, spells: 2, unended: 0 },
  ])
})

test('a phase that an error ends has its end, and the error goes on as it was', async () => {
  const phases = new Phases(session, 1, clock)
  const failing = phases.during('merge', async () => {
    await pass(3)
    throw new RangeError('of the work')
  })
  await expect(failing).rejects.toThrow('of the work')
  expect(phaseTimes(await spells())).toMatchObject([{ phase: 'merge', tookMs: 3_000, unended: 0 }])
})

test('a spell that its process did not live to end stays without an end, and the next start begins another', async () => {
  const killed = new Phases(session, 1, clock)
  void killed.during('merge', () => new Promise(() => undefined))
  await pass(60)
  const resumed = new Phases(session, 1, clock)
  await resumed.during('merge', () => pass(5))
  await resumed.during('publish', () => pass(1))
  const [merge, publish] = phaseTimes(await spells())
  expect(merge).toMatchObject({ phase: 'merge', tookMs: 5_000, spells: 2, unended: 1 })
  expect(merge!.endedAt!.getTime() - merge!.startedAt.getTime()).toBe(65_000)
  expect(publish).toMatchObject({ phase: 'publish', tookMs: 1_000, unended: 0 })
})

test('what cannot be noted stops the work: a ledger that takes nothing is no ledger', async () => {
  const gone = await database.session()
  gone.close()
  await expect(new Phases(gone, 1, clock).during('export', () => pass(1))).rejects.toThrow()
})

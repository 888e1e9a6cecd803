import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { land } from '../../../src/landing/land.ts'
import { stage } from '../../../src/landing/stage.ts'
import { Database } from '../../../src/store/database.ts'
import { rawRelation } from '../../../src/store/raw-log.ts'
import { rawFilesOf } from '../../../src/warehouse/upkeep/raw-files.ts'
import { writePack } from '../../../src/warehouse/upkeep/pack.ts'
import { WarehouseFixture } from '../warehouse-fixture.ts'

let warehouse: WarehouseFixture
let database: Database
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
  warehouse.database.close()
  database = await Database.open({ path: warehouse.lake.database, memoryLimitBytes: 272 << 20, threads: 2 })
})
afterEach(async () => {
  database.close()
  await rm(warehouse.lake.root, { recursive: true })
})

/** Lines that do not compress, of these sizes; lands them as the file of the run of that number. */
async function landLines(file: number, sizes: readonly number[]): Promise<string> {
  const { lake } = warehouse
  const line = (bytes: number, n: number) =>
    Buffer.from(`{"resourceType":"Patient","id":"p${n}","x":"${randomBytes(Math.ceil(bytes / 2)).toString('hex')}"}\n`)
  const raw = {
    ...{ source: 's', run: file, file, kind: 'output' as const, types: ['Patient'] },
    stagedPath: lake.staged(file, file),
    rawPath: lake.path(lake.raw('s', file, file)),
  }
  const facts = await stage(Readable.from(sizes.map(line)), raw.stagedPath)
  const { resources } = await database.using((session) => land(session, raw, facts))
  await rm(raw.stagedPath)
  await database.using((session) =>
    session.run(
      `INSERT INTO stoker.file (file, export, run, ordinal, kind, url, state, kept, bytes, lines, longest_line_bytes, raw_path)
       VALUES ($1, 1, $1, 0, 'output', '', 'landed', $2, $3, $4, $5, $6);`,
      [file, resources, facts.bytes, facts.lines, facts.longestLineBytes, lake.raw('s', file, file)],
    ),
  )
  await database.using((session) =>
    session.run(
      `INSERT INTO stoker.run (run, source, mode, state, started_at, commit_number, stoker_version)
       VALUES ($1, 's', 'full', 'done', now(), $1, 'test')`,
      [file],
    ),
  )
  return raw.rawPath
}

const ask = <T extends object>(sql: string) => database.using((session) => session.rows<T>(sql))
/** In the order in which they lie. */
const ids = async (path: string) =>
  (await ask<{ id: string }>(`SELECT id FROM ${rawRelation([path])}`)).map(({ id }) => id)
const largestGroup = async (path: string) =>
  (
    await ask<{ bytes: number }>(
      `SELECT max(bytes) AS bytes FROM (
       SELECT sum(total_uncompressed_size)::BIGINT AS bytes FROM parquet_metadata('${path}') GROUP BY row_group_id)`,
    )
  )[0]!.bytes

describe('lines of megabytes, more of them than fit in memory', () => {
  const many = Array.from({ length: 300 }, () => 1_000_000)
  const all = many.map((_, n) => `p${n}`)

  test('land in their order, in small row groups, and so they are written anew, whatever goes', async () => {
    const landed = await landLines(1, many)
    expect(await ids(landed)).toEqual(all)
    expect(await largestGroup(landed)).toBeLessThan(24e6)
    const packed = await database.using(async (session) => {
      // More than the file has: the files of a source are looked through together.
      await session.run(
        'CREATE TEMP TABLE _dropped AS SELECT f::INTEGER AS file, 2 * n AS line FROM range(1, 50) AS t(f), range(1, 151) AS u(n)',
      )
      const files = await rawFilesOf(session, warehouse.lake, 's')
      return writePack(session, warehouse.lake, 's', { files, dropped: 150 })
    })
    const path = warehouse.lake.path(packed!)
    expect(await ids(path)).toEqual(all.filter((_, n) => n % 2 === 0))
    expect(await largestGroup(path)).toBeLessThan(24e6)
  })

  test('among short ones, all in one place, they land too', async () => {
    const sizes = [...Array.from({ length: 20_000 }, () => 500), ...many.slice(0, 150), 500]
    expect(sizes.reduce((a, b) => a + b) / sizes.length).toBeLessThan(32 << 10)
    const path = await landLines(1, sizes)
    expect(await ids(path)).toEqual(sizes.map((_, n) => `p${n}`))
  })

  test('one that is more than the memory is an error that says how much it takes', async () => {
    await expect(landLines(1, [500, 80_000_000])).rejects.toMatchObject({
      code: 'STORE_MEMORY',
      message: 'lines of up to 81 MB do not fit in memoryLimit',
      hint: expect.stringContaining('set memoryLimit in the configuration to 1217MB or more') as string,
    })
  })
})

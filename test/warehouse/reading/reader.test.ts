import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { StokerError } from '../../../src/core/errors.ts'
import { Lake } from '../../../src/warehouse/lake.ts'
import { SnapshotReader } from '../../../src/warehouse/reading/reader.ts'
import { publishSnapshot } from '../../../src/warehouse/snapshot/publish.ts'
import { patient, WarehouseFixture } from '../warehouse-fixture.ts'

const MEMORY = 256 << 20
let warehouse: WarehouseFixture
/** Two snapshots of the same rows, which nobody changes. */
beforeAll(async () => {
  warehouse = await WarehouseFixture.make()
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A'), patient('b', 'B')] }])
  for (const _snapshot of [1, 2])
    await publishSnapshot(warehouse.database, warehouse.lake, warehouse.views, 1, new Date())
})
afterAll(() => warehouse.close())

async function reading<T>(lake: Lake, read: (reader: SnapshotReader) => Promise<T>): Promise<T> {
  const reader = await SnapshotReader.open(lake, MEMORY)
  try {
    return await read(reader)
  } finally {
    await reader.close()
  }
}
const query = (sql: string, lake = warehouse.lake) => reading(lake, (reader) => reader.rows(sql))

/** Every file of the lake with its bytes. */
async function everything(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) files.set(path, (await readFile(path)).toString('base64'))
  }
  return files
}

describe('a query', () => {
  test.each([
    'SELECT family FROM patient_name ORDER BY family',
    'FROM patient_name SELECT family ORDER BY ALL;',
    'WITH p AS (FROM patient_name) SELECT family FROM p ORDER BY 1',
  ])('reads the snapshot: %s', async (sql) => {
    expect(await query(sql)).toEqual([{ family: 'A' }, { family: 'B' }])
  })

  test.each([
    'SHOW ALL TABLES',
    'DESCRIBE patient_name',
    'SUMMARIZE patient_name',
    'EXPLAIN ANALYZE FROM patient_name',
  ])('may ask about it: %s', async (sql) => {
    expect((await query(sql)).length).toBeGreaterThan(0)
  })

  test('too large for memory spills under the lake, out of the sight of others, and leaves nothing behind', async () => {
    const temp = join(warehouse.lake.root, 'temp')
    const before = await everything(warehouse.lake.root)
    const modes = await reading(warehouse.lake, async (reader) => {
      const rows = await reader.rows(
        'SELECT count(*) AS n FROM (SELECT range, hash(range)::VARCHAR AS h FROM range(3000000) ORDER BY h OFFSET 1)',
      )
      expect(rows).toEqual([{ n: 2999999 }])
      const spills = (await readdir(temp)).filter((name) => name.startsWith('query-'))
      expect(spills).toHaveLength(1)
      return Promise.all(spills.map(async (name) => (await stat(join(temp, name))).mode & 0o777))
    })
    expect(modes).toEqual([0o700])
    expect(await everything(warehouse.lake.root)).toEqual(before)
    expect((await readdir(temp)).filter((name) => name.startsWith('query-'))).toEqual([])
  })
})

describe('a reader', () => {
  test('knows its snapshot, and gives values to the names in a query, each of the type that its place wants', async () => {
    await reading(warehouse.lake, async (reader) => {
      expect(reader.snapshot).toBe(2)
      const sql = "SELECT family FROM patient_name WHERE family = $name AND DATE '2026-02-01' > $since"
      expect(await reader.rows(sql, { name: 'B', since: '2026-01-01' })).toEqual([{ family: 'B' }])
      expect(await reader.rows(sql, { name: "B' OR true --", since: '2026-01-01' })).toEqual([])
      await expect(reader.rows(sql, { name: 'B' })).rejects.toMatchObject({ code: 'QUERY_PARAMETER' })
      await expect(reader.rows(sql, { name: 'B', since: '', x: 1 })).rejects.toMatchObject({ code: 'QUERY_PARAMETER' })
    })
  })

  test('writes the same rows to the same bytes', async () => {
    const output = await mkdtemp(join(tmpdir(), 'stoker-reader-'))
    onTestFinished(() => rm(output, { recursive: true, force: true }))
    const sql = 'SELECT range AS n, hash(range) AS h FROM range($rows) ORDER BY h'
    const bytes = await Promise.all(
      ['one.parquet', 'two.parquet'].map(async (file) => {
        const reader = await SnapshotReader.open(warehouse.lake, MEMORY, { output, threads: 1 })
        const options = { parameters: { rows: 100_000 }, metadata: { snapshot: '1' }, rowGroupRows: 10_000 }
        expect(await reader.writeParquet(sql, file, options)).toBe(100_000)
        await reader.close()
        return readFile(join(output, file))
      }),
    )
    expect(bytes[0]!.equals(bytes[1]!)).toBe(true)
    expect((await readdir(output)).sort()).toEqual(['one.parquet', 'two.parquet'])
  })

  test('is interrupted in whatever it does, with the reason of its signal', async () => {
    const stop = new AbortController()
    const reader = await SnapshotReader.open(warehouse.lake, MEMORY, { signal: stop.signal })
    const endless = reader.rows('SELECT count(*) FROM range(1000000000) a, range(1000000000) b')
    setTimeout(() => stop.abort(new Error('it is enough')), 50)
    await expect(endless).rejects.toThrow('it is enough')
    await expect(reader.rows('SELECT 1')).rejects.toThrow('it is enough')
    await reader.close()
    await expect(SnapshotReader.open(warehouse.lake, MEMORY, { signal: stop.signal })).rejects.toThrow('it is enough')
  })

  test('keeps the value that a failed cast quotes out of what may be recorded', async () => {
    const error = (await query('SELECT family::INTEGER FROM patient_name').catch(
      (reason: unknown) => reason,
    )) as StokerError
    expect(error.message).toContain("'A'")
    expect(error.record).toBe('the query failed (Conversion Error)')
  })
})

test('a lake that was moved is read where it is now', async () => {
  const moved = new Lake(`${warehouse.lake.root}-moved`)
  await mkdir(moved.root)
  await rename(warehouse.lake.snapshots, moved.snapshots)
  await rename(warehouse.lake.catalog, moved.catalog)
  expect(await query('SELECT count(*) AS n FROM patient_name', moved)).toEqual([{ n: 2 }])
  const columns = await query(`SELECT comment FROM duckdb_columns() WHERE column_name = '_source' LIMIT 1`, moved)
  expect(columns).toEqual([{ comment: 'The source, as named in the configuration.' }])
  await rename(moved.snapshots, warehouse.lake.snapshots)
  await rename(moved.catalog, warehouse.lake.catalog)
  await rm(moved.root, { recursive: true })
})

import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Lake } from '../../src/warehouse/lake.ts'
import { SnapshotReader } from '../../src/warehouse/reader.ts'
import { publishSnapshot } from '../../src/warehouse/snapshot.ts'
import { patient, WarehouseFixture } from './warehouse-fixture.ts'

const MEMORY = 256 << 20
let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A'), patient('b', 'B')] }])
  await publish()
})
afterEach(() => warehouse.close())

const publish = () => publishSnapshot(warehouse.database, warehouse.lake, warehouse.views, 1, new Date())

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

  test('reaches no file, no setting and no extension, and writes nothing at all', async () => {
    await publish()
    const { lake } = warehouse
    const outside = join(lake.root, 'outside.csv')
    await writeFile(outside, 'secret\n1\n')
    const inside = join(lake.snapshot(2), 'patient_name', '0.parquet')
    const before = await everything(lake.root)
    const attacks = [
      `FROM read_csv('/etc/passwd')`,
      `FROM read_text('${outside}')`,
      `FROM '${outside}'`,
      `FROM glob('${lake.root}/*')`,
      `FROM read_parquet('${lake.snapshot(1)}/patient_name/*.parquet')`,
      `FROM read_parquet('${lake.snapshot(2)}/../000001/patient_name/*.parquet')`,
      `SELECT getenv('HOME')`,
      `COPY (FROM patient_name) TO '${inside}' (FORMAT parquet)`,
      `COPY (FROM patient_name) TO '${lake.snapshot(2)}/new.csv'`,
      `EXPLAIN ANALYZE COPY (FROM patient_name) TO '${inside}' (FORMAT parquet)`,
      `EXPLAIN /**/ ANALYZE COPY (FROM patient_name) TO '${inside}' (FORMAT parquet)`,
      `/**/ EXPLAIN ANALYZE COPY (FROM patient_name) TO '${inside}' (FORMAT parquet)`,
      `EXPORT DATABASE '${lake.snapshot(2)}/exported'`,
      `ATTACH '${lake.database}' AS w`,
      `ATTACH '${lake.snapshot(2)}/x.duckdb' AS x`,
      `CREATE TABLE t AS FROM patient_name`,
      `CREATE TEMP TABLE t AS FROM patient_name`,
      `INSERT INTO patient_name FROM patient_name`,
      'DROP VIEW patient_name',
      'INSTALL httpfs',
      'LOAD httpfs',
      'SET enable_external_access = true',
      'SET VARIABLE x = 1',
      'PRAGMA enable_profiling',
      'CALL pragma_version()',
      'BEGIN',
      'CHECKPOINT',
      'USE memory',
      'PREPARE p AS SELECT 1',
      'SELECT 1; SELECT 2',
      '',
      ' ;; ',
    ]
    for (const sql of attacks) {
      await expect(query(sql), sql).rejects.toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^QUERY_(REFUSED|FAILED)$/) as string }),
      )
    }
    expect(await everything(lake.root)).toEqual(before)
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
})

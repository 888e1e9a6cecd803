/** `stoker catalog`: for readers who see the lake elsewhere. */
import { DuckDBInstance } from '@duckdb/node-api'
import { cp, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { publishSnapshot } from '../../src/warehouse/snapshot/publish.ts'
import { patient, WarehouseFixture } from '../warehouse/warehouse-fixture.ts'
import { makeFolder, stoker, stokerIn, stokerProcess } from './command.ts'

let warehouse: WarehouseFixture
let folder: string
let out: string
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
  folder = await makeFolder()
  out = join(folder, 'catalog.duckdb')
})
afterEach(() => warehouse.close())

async function publish(family: string, on: string): Promise<void> {
  await warehouse.load(on, [{ lines: [patient('a', family)] }])
  await publishSnapshot(warehouse.database, warehouse.lake, warehouse.views, undefined, new Date(on))
}

const words = (more: readonly string[]) => ['catalog', '--lake', warehouse.lake.root, '--out', out, ...more]
const catalog = (...more: string[]) => stoker(...words(more))

async function read(sql: string, before = ''): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(out, { access_mode: 'READ_ONLY' })
  const connection = await instance.connect()
  try {
    if (before !== '') await connection.run(before)
    return (await connection.runAndReadAll(sql)).getRowsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

describe('stoker catalog', () => {
  test('names the Parquet files where the readers see them, while a worker holds the lake', async () => {
    await publish('A', '2026-01-01T00:00:00Z')
    await publish('B', '2026-02-01T00:00:00Z')
    const at = join(folder, "it's mounted here")
    // The fixture holds the lake's lock, as a worker does: from other processes.
    const { code, stdout, stderr } = await stokerProcess(...words(['--at', `${at}/`, '--json']))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ catalog: out, at, snapshot: 2 })
    await expect(read('FROM patient_name')).rejects.toThrow('mounted here/snapshots/000002/patient_name/0.parquet')
    await cp(warehouse.lake.snapshots, join(at, 'snapshots'), { recursive: true })
    expect(await read('SELECT family FROM patient_name')).toEqual([['B']])
    expect(await read('SELECT count(*) > 0 FROM stoker.snapshot')).toEqual([[true]])
    expect(
      await read(`SELECT comment FROM duckdb_columns() WHERE table_name = 'patient_name' AND column_name = '_source'`),
    ).toEqual([['The source, as named in the configuration.']])
    expect((await stat(out)).mode & 0o777).toBe(0o644)
  })

  test('of an old snapshot; and whoever opens it may name yet another place', async () => {
    await publish('A', '2026-01-01T00:00:00Z')
    await publish('B', '2026-02-01T00:00:00Z')
    const { code, stdout } = await catalog('--at', 'Z:\\lake', '--snapshot', '1')
    expect(code).toBe(0)
    expect(stdout).toContain('of snapshot 1, at Z:\\lake')
    const elsewhere = `SET VARIABLE stoker_lake = '${warehouse.lake.root}'`
    expect(await read('SELECT family FROM patient_name', elsewhere)).toEqual([['A']])
    const sql = await read(`SELECT sql FROM duckdb_views() WHERE view_name = 'patient_name'`)
    expect(String(sql[0]![0])).toContain(`'Z:\\lake') || '/snapshots/000001/patient_name/0.parquet'`)
  })

  test.each([
    ['a relative path', ['--at', 'lake'], 'USAGE_CATALOG_AT'],
    ['a snapshot that is not there', ['--at', 's3://bucket/lake', '--snapshot', '7'], 'QUERY_NO_SNAPSHOT'],
    ['a file that is there', ['--at', '/mnt/lake'], 'USAGE_CATALOG_OUT'],
  ])('refuses %s, with a way out', async (_name, mistaken, expected) => {
    await publish('A', '2026-01-01T00:00:00Z')
    await writeFile(out, 'mine')
    const refused = await catalog(...mistaken, ...(expected === 'QUERY_NO_SNAPSHOT' ? ['--force'] : []))
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain(`code: ${expected}`)
    expect(refused.stderr).toContain('what to do:')
    if (expected === 'QUERY_NO_SNAPSHOT') expect(refused.stderr).toContain('there are: 1')
    expect(await readFile(out, 'utf8')).toBe('mine')
  })

  test('replaces a file only if told, and never what is the lake’s own', async () => {
    await publish('A', '2026-01-01T00:00:00Z')
    await writeFile(out, 'mine')
    expect((await catalog('--at', 's3://bucket/lake', '--force')).code).toBe(0)
    expect((await stat(out)).size).toBeGreaterThan(10_000)
    const { code, stderr } = await catalog('--at', '/mnt', '--force', '--out', warehouse.lake.catalog)
    expect({ code, refused: stderr.includes('belongs to the lake itself') }).toEqual({ code: 2, refused: true })
  })

  test('says so where nothing was published', async () => {
    expect(await catalog('--at', '/mnt/lake')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('run stoker sync first') as string,
    })
  })
})

test('stoker query reads an old snapshot by its number, and names those there are', async () => {
  await publish('A', '2026-01-01T00:00:00Z')
  await publish('B', '2026-02-01T00:00:00Z')
  const query = (...words: string[]) =>
    stokerIn(folder, 'query', '--lake', warehouse.lake.root, '--json', 'SELECT family FROM patient_name', ...words)
  expect(await query('--snapshot', '1')).toMatchObject({ code: 0, stdout: expect.stringContaining('"A"') as string })
  expect(await query()).toMatchObject({ code: 0, stdout: expect.stringContaining('"B"') as string })
  const { code, stderr } = await query('--snapshot', '3')
  expect({ code, named: stderr.includes('there are: 1, 2') }).toEqual({ code: 2, named: true })
})

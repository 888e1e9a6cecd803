import { DuckDBInstance } from '@duckdb/node-api'
import { copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { publishSnapshot } from '../../../src/warehouse/snapshot/publish.ts'
import { patient, WarehouseFixture } from '../warehouse-fixture.ts'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
})
afterEach(() => warehouse.close())

const publish = () => publishSnapshot(warehouse.database, warehouse.lake, warehouse.views, undefined, new Date())

async function read(catalog: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(catalog, { access_mode: 'READ_ONLY' })
  const connection = await instance.connect()
  const rows = (await connection.runAndReadAll('SELECT family FROM patient_name ORDER BY family')).getRowObjectsJS()
  connection.closeSync()
  instance.closeSync()
  return rows.map((row) => row.family)
}

describe('snapshot', () => {
  test('readers see whole snapshots: the catalog moves to the new one, the old one still reads', async () => {
    await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A')] }])
    const first = await publish()
    expect(await read(warehouse.lake.catalog)).toEqual(['A'])
    await warehouse.load('2026-02-01T00:00:00Z', [{ lines: [patient('b', 'B')] }])
    expect(await read(warehouse.lake.catalog)).toEqual(['A'])
    const second = await publish()
    expect(second.snapshot).toBe(first.snapshot + 1)
    expect(await read(warehouse.lake.catalog)).toEqual(['A', 'B'])
    expect(await read(join(first.folder, 'catalog.duckdb'))).toEqual(['A'])
  })

  test('a table that did not change is carried over, the same file under another name', async () => {
    await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A')] }])
    const first = await publish()
    const second = await publish()
    expect(second.tables[0]).toMatchObject({ carriedOver: true, rows: 1 })
    const file = (folder: string) => stat(join(folder, 'patient_name', '0.parquet'))
    expect((await file(first.folder)).ino).toBe((await file(second.folder)).ino)
    await warehouse.load('2026-02-01T00:00:00Z', [{ lines: [patient('b', 'B')] }])
    expect((await publish()).tables[0]).toMatchObject({ carriedOver: false, rows: 2 })
  })

  test('a published file that somebody altered or removed is not carried over, but written anew', async () => {
    await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A')] }])
    const first = await publish()
    const file = join(first.folder, 'patient_name', '0.parquet')
    await copyFile(join(first.folder, 'stoker', 'run', '0.parquet'), file)
    const second = await publish()
    expect(second.tables[0]).toMatchObject({ carriedOver: false, rows: 1 })
    expect(await read(warehouse.lake.catalog)).toEqual(['A'])
    await rm(join(second.folder, 'patient_name'), { recursive: true })
    expect((await publish()).tables[0]).toMatchObject({ carriedOver: false, rows: 1 })
  })

  test('an empty warehouse publishes tables with columns and no rows', async () => {
    await publish()
    expect(await read(warehouse.lake.catalog)).toEqual([])
  })

  test('what an interrupted publishing left behind is no hindrance', async () => {
    await mkdir(`${warehouse.lake.snapshot(1)}.part`, { recursive: true })
    await mkdir(warehouse.lake.snapshot(1), { recursive: true })
    await writeFile(join(warehouse.lake.snapshot(1), 'junk'), '')
    const { folder } = await publish()
    await expect(stat(join(folder, 'junk'))).rejects.toThrow('ENOENT')
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder, 'patient_name', '0.parquet'))).mode & 0o777).toBe(0o600)
    expect((await stat(warehouse.lake.catalog)).mode & 0o777).toBe(0o600)
  })
})

import { Ajv } from 'ajv'
import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { publishSnapshot } from '../../../src/warehouse/snapshot/publish.ts'
import type { SnapshotManifest } from '../../../src/warehouse/snapshot/manifest.ts'
import { patient, WarehouseFixture } from '../warehouse-fixture.ts'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
})
afterEach(() => warehouse.close())

const NOW = new Date('2026-03-01T00:00:00Z')

async function publish(): Promise<SnapshotManifest> {
  const { database, lake, views } = warehouse
  const { folder } = await publishSnapshot(database, lake, views, 1, NOW, { stokerVersion: '1.2.3' })
  return JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as SnapshotManifest
}

test('a manifest is as its schema says, and true of every file', async () => {
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A'), patient('b', 'B')] }])
  await warehouse.database.using((session) =>
    session.run(`INSERT INTO stoker.watermark VALUES ('s', 'Patient', 'system', '2026-01-01T00:00:00Z', 1)`),
  )
  const manifest = await publish()
  const schema = JSON.parse(
    await readFile(new URL('../../../schemas/snapshot-manifest.schema.json', import.meta.url), 'utf8'),
  ) as object
  const ajv = new Ajv({
    allErrors: true,
    allowUnionTypes: true,
    formats: { 'date-time': (text: string) => !isNaN(Date.parse(text)) },
  })
  const validate = ajv.compile(schema)
  validate(manifest)
  expect(validate.errors).toBeNull()
  expect(manifest).toMatchObject({
    snapshot: 1,
    run: 1,
    previous: null,
    published_at: NOW.toISOString(),
    stoker_version: '1.2.3',
    tables: [{ name: 'patient_name', resource: 'Patient', view_hash: 'h1', rows: 2, changed: true }],
    watermarks: [{ source: 's', type: 'Patient', transaction_time: '2026-01-01T00:00:00.000Z' }],
  })
  expect(manifest.tables[0]!.columns.map((column) => `${column.name} ${column.type}`)).toContain('family VARCHAR')
  for (const table of [...manifest.tables, ...manifest.lineage]) {
    for (const { path, bytes, sha256 } of table.files) {
      const file = join(warehouse.lake.snapshot(1), path)
      expect((await stat(file)).size).toBe(bytes)
      expect(
        createHash('sha256')
          .update(await readFile(file))
          .digest('hex'),
      ).toBe(sha256)
    }
  }
})

test('what is carried over keeps its sum, and is said not to have changed', async () => {
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A')] }])
  const first = await publish()
  const second = await publish()
  expect(second).toMatchObject({ snapshot: 2, previous: 1, tables: [{ changed: false }] })
  expect(second.tables[0]!.files).toEqual(first.tables[0]!.files)
  await warehouse.load('2026-02-01T00:00:00Z', [{ lines: [patient('b', 'B')] }])
  expect((await publish()).tables[0]).toMatchObject({ changed: true, rows: 2 })
})

import { afterEach, beforeEach, expect, test } from 'vitest'
import { rawLines } from '../../src/warehouse/raw-lines.ts'
import { deletions, nameView, patient, WarehouseFixture } from './warehouse-fixture.ts'
import { keepDeleted } from '../../src/warehouse/tables/view.ts'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
})
afterEach(() => warehouse.close())

const run = (sql: string) => warehouse.database.using((session) => session.run(sql))
const lines = (places: string) => warehouse.database.using((session) => rawLines(session, warehouse.lake, places))
const places = 'SELECT file, line, NULL::TIMESTAMPTZ AS deleted_at FROM stoker.resource'

test.each([
  ['that lies nowhere', 'UPDATE stoker.file SET raw_path = NULL WHERE file = 1'],
  ['that no ledger knows', 'DELETE FROM stoker.file WHERE file = 1'],
  ['that holds fewer', 'UPDATE stoker.file SET kept = 0 WHERE file = 1'],
])('lines that are wanted of a file %s are an error, not passed over', async (_, spoil) => {
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A')] }, { lines: [patient('b', 'B')] }])
  await run(spoil)
  await expect(lines(places)).rejects.toMatchObject({ code: 'RAW_LOG_BOOKS', facts: { wanted: 1 } })
})

test('long lines are the same as short ones: of whole files, of parts, and of what was deleted', async () => {
  await warehouse.load('2026-01-01T00:00:00Z', [
    { lines: [patient('a', 'A'), patient('b', 'B'), patient('d', 'D')] },
    { lines: [patient('c', 'C')] },
  ])
  await warehouse.load('2026-01-02T00:00:00Z', [
    { lines: [patient('a', 'A2')] },
    { kind: 'deleted', lines: [deletions('Patient/d')] },
  ])
  warehouse.views.splice(0, 1, keepDeleted(nameView))
  await warehouse.align()
  const short = await warehouse.families()
  expect(short).toEqual(['a A2', 'b B', 'c C', 'd D'])
  await run('UPDATE stoker.file SET lines = kept, bytes = 1_000_000 * kept, longest_line_bytes = 1_000_000')
  warehouse.views.splice(0, 1, { ...keepDeleted(nameView), hash: 'anew' })
  await warehouse.align()
  expect(await warehouse.families()).toEqual(short)
  expect(
    await warehouse.database.using((session) => session.rows('SELECT count(_deleted_at) AS n FROM patient_name')),
  ).toEqual([{ n: 1 }])
})

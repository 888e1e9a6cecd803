/** What readers see of tables that keep the rows of deleted resources. */
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SnapshotReader, type ReaderOptions } from '../../../src/warehouse/reading/reader.ts'
import { publishSnapshot } from '../../../src/warehouse/snapshot/publish.ts'
import { keepDeleted, type View } from '../../../src/warehouse/tables/view.ts'
import { openQueryDesk } from '../../../src/app/query-desk.ts'
import { deletions, nameView, patient, WarehouseFixture } from '../warehouse-fixture.ts'

let warehouse: WarehouseFixture
beforeAll(async () => {
  warehouse = await WarehouseFixture.make()
  const named = (name: string, base: View = nameView) => ({ ...base, name, hash: `of ${name}` })
  // One that keeps nothing, and one with the name of the schema.
  warehouse.views.splice(0, 1, keepDeleted(nameView), named('remaining'), keepDeleted(named('with_deleted')))
  await warehouse.align()
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: [patient('a', 'A'), patient('b', 'B')] }])
  await warehouse.load('2026-01-02T00:00:00Z', [{ kind: 'deleted', lines: [deletions('Patient/b')] }])
  await publishSnapshot(warehouse.database, warehouse.lake, warehouse.views, 2, new Date())
})
afterAll(() => warehouse.close())

async function asked(sql: string, options: ReaderOptions): Promise<unknown[]> {
  const reader = await SnapshotReader.open(warehouse.lake, 256 << 20, options)
  try {
    return (await reader.rows<{ family: string }>(sql)).map(({ family }) => family)
  } finally {
    await reader.close()
  }
}
const families = (table: string) => `SELECT family FROM ${table} ORDER BY family`

test('the living are in the tables and all in with_deleted, whether a table keeps what is deleted or not', async () => {
  const living = { living: true }
  for (const [table, found] of [
    ['patient_name', ['A']],
    ['with_deleted.patient_name', ['A', 'B']],
    ['remaining', ['A']],
    ['with_deleted.remaining', ['A']],
    ['with_deleted', ['A']],
    ['main.with_deleted', ['A']],
    ['with_deleted.with_deleted', ['A', 'B']],
  ] as const)
    expect([table, await asked(families(table), living)]).toEqual([table, found])
  expect(await asked(`SELECT family FROM patient_name WHERE _deleted_at IS NOT NULL`, living)).toEqual([])
  expect(await asked(`SELECT with_deleted.family FROM with_deleted`, living)).toEqual(['A'])
})

test('who asks for nothing has all rows, and for with_deleted is told what it goes with', async () => {
  expect(await asked(families('patient_name'), {})).toEqual(['A', 'B'])
  await expect(asked(families('with_deleted.patient_name'), {})).rejects.toMatchObject({
    code: 'QUERY_FAILED',
    hint: expect.stringContaining('--living') as string,
  })
})

test('a worker that is asked for the living answers with them', async () => {
  const desk = openQueryDesk(warehouse.lake)
  try {
    const answer = async (living: boolean) =>
      text((await desk.answer({ sql: families('patient_name'), format: 'csv', living })).read())
    expect([await answer(true), await answer(false)]).toEqual(['family\r\nA\r\n', 'family\r\nA\r\nB\r\n'])
  } finally {
    desk.close()
  }
})

/** A view may have any name: none is taken by what a merge makes for itself. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keepDeleted, type View } from '../../../src/warehouse/tables/view.ts'
import { deletions, nameView, patient, WarehouseFixture } from '../warehouse-fixture.ts'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
})
afterEach(() => warehouse.close())

const NAMES = 'change landed received newest repeated tombstone departed reported outlived suspect content lossy t o h'

/** With the columns that a table of the merge's own has, so that a wrong one would be taken without a word. */
const columns = ['type', 'id', 'exported_at', 'family'].map((name) => ({ name, type: 'VARCHAR' }))
const named = (name: string): View => ({
  ...nameView,
  name,
  columns,
  sql({ from, json, carry }) {
    return `SELECT ${carry.join(', ')}, 'x' AS type, 'x' AS id, 'x' AS exported_at,
      json_extract_string(${json}, '$.name[0].family') AS family FROM ${from}`
  },
})

test.each([
  ['where deletions remove', (view: View) => view, '1 A2, 4 D'],
  ['where deletions are kept', keepDeleted, '1 A2, 2 B gone, 3 C gone, 4 D'],
])('changes, deletions and re-creations reach each of them, %s', async (_, policy, left) => {
  const names = NAMES.split(' ')
  warehouse.views.splice(0, 1, ...names.map((name) => policy(named(name))))
  await warehouse.align()
  const all = ['1 A', '2 B', '3 C', '4 D'].map((each) => patient(each[0]!, each.slice(2)))
  await warehouse.load('2026-01-01T00:00:00Z', [{ lines: all }])
  await warehouse.load('2026-01-02T00:00:00Z', [
    { lines: [patient('1', 'A2'), patient('1', 'A1')].reverse() },
    { kind: 'deleted', lines: [deletions('Patient/2', 'Patient/4')] },
  ])
  await warehouse.load('2026-01-03T00:00:00Z', [{ lines: [patient('1', 'A2'), patient('4', 'D')] }], ['Patient'])
  const gone = left.includes('gone') ? `CASE WHEN _deleted_at IS NOT NULL THEN 'gone' END` : 'NULL'
  for (const name of names) {
    const [row] = await warehouse.database.using((session) =>
      session.rows<{ rows: string }>(
        `SELECT string_agg(concat_ws(' ', split_part(_resource_key, '/', 3), family, ${gone}), ', ' ORDER BY _resource_key) AS rows
         FROM main."${name}"`,
      ),
    )
    expect([name, row?.rows]).toEqual([name, left])
  }
})

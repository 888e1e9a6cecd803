/** Bugs of other clients in merging, by their numbers; the others are in bulk/ and scenario/. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { deletions, patient, WarehouseFixture } from './warehouse-fixture.ts'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
})
afterEach(() => warehouse.close())

const T1 = '2026-01-01T00:00:00Z'
const T2 = '2026-02-01T00:00:00Z'

test('7: lastUpdated was compared as text: the later instant wins, whichever comes first', async () => {
  const pairs = [
    ['2026-01-01T00:30:00+05:00', '2025-12-31T20:00:00Z'],
    ['2026-01-01T23:30:00Z', '2026-01-01T19:00:00-05:00'],
    ['2026-01-01T10:00:00Z', '2026-01-01T10:00:00.5Z'],
    ['2026-01-01T10:00:00.25Z', '2026-01-01T10:00:00.5+00:00'],
  ] as const
  const versions = (which: 'first' | 'second') =>
    pairs.flatMap(([earlier, later], n) => {
      const [old, recent] = [patient(`a${n}`, 'old', earlier, '1'), patient(`a${n}`, 'new', later, '2')]
      const [again, before] = [patient(`b${n}`, 'new', later, '2'), patient(`b${n}`, 'old', earlier, '1')]
      return which === 'first' ? [old, again] : [recent, before]
    })
  await warehouse.load(T1, [{ lines: versions('first') }])
  await warehouse.load(T2, [{ lines: versions('second') }])
  expect(await warehouse.families()).toEqual(['a', 'b'].flatMap((id) => pairs.map((_, n) => `${id}${n} new`)))
})

test('8: tombstones other than exactly Type/id were dropped silently: they delete, or are counted and said', async () => {
  await warehouse.load(T1, [{ lines: ['a', 'b', 'c', 'd'].map((id) => patient(id, id)) }])
  const told = deletions('https://host/fhir/Patient/a', 'Patient/b/_history/3', '/Patient/c', 'Patient?identifier=x|1')
  const { types, notUnderstood } = await warehouse.load(T2, [{ kind: 'deleted', lines: [told] }])
  expect(await warehouse.families()).toEqual(['d d'])
  expect([types[0]!.deleted, notUnderstood]).toEqual([3, [{ file: 2, count: 1 }]])
})

test('9: deleted resources lived on in merged views: no row of them is left in any table', async () => {
  await warehouse.load(T1, [{ lines: [patient('a', ['A', 'Also A']), patient('b', 'B')] }])
  const { views } = await warehouse.load(T2, [{ kind: 'deleted', lines: [deletions('Patient/a')] }])
  expect(await warehouse.families()).toEqual(['b B'])
  expect(views).toMatchObject([{ view_table: 'patient_name', rows_removed: 2, rows_added: 0, rows: 1 }])
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { keepDeleted } from '../../src/warehouse/tables/view.ts'
import { deletions, nameView, patient, WarehouseFixture } from './warehouse-fixture.ts'

const T1 = '2026-01-01T00:00:00Z'
const T2 = '2026-01-02T00:00:00Z'
const T3 = '2026-01-03T00:00:00Z'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
  await warehouse.use(keepDeleted(nameView))
})
afterEach(() => warehouse.close())

const file = (...lines: object[]) => ({ lines })
const deleted = (...urls: string[]) => ({ kind: 'deleted' as const, lines: [deletions(...urls)] })

async function rows(): Promise<string[]> {
  return warehouse.database.using(async (session) => {
    const found = await session.rows<{ text: string }>(
      `SELECT concat_ws(' ', _resource_key, family, _run, strftime(_deleted_at, '%m-%d')) AS text FROM patient_name ORDER BY ALL`,
    )
    return found.map(({ text }) => text.replace('s/Patient/', ''))
  })
}

describe('where deletions are kept', () => {
  test('the rows of a deleted resource stay, with the time of the export that told, whichever way it was learnt', async () => {
    await warehouse.load(T1, [file(patient('1', 'A'), patient('2', ['B', 'BB']), patient('3', 'C'))], ['Patient'])
    await warehouse.load(T2, [deleted('Patient/2')])
    expect(await rows()).toEqual(['1 A 1', '2 B 1 01-02', '2 BB 1 01-02', '3 C 1'])
    const merged = await warehouse.load(T3, [file(patient('1', 'A'))], ['Patient'])
    expect(await rows()).toEqual(['1 A 1', '2 B 1 01-02', '2 BB 1 01-02', '3 C 1 01-03'])
    expect(merged.types).toMatchObject([{ type: 'Patient', deleted: 1, unchanged: 1 }])
  })

  test('a resource that is created again takes the place of its kept rows', async () => {
    await warehouse.load(T1, [file(patient('1', 'A'))])
    await warehouse.load(T2, [deleted('Patient/1')])
    await warehouse.load(T3, [file(patient('1', ['A', 'Z']))])
    expect(await rows()).toEqual(['1 A 3', '1 Z 3'])
  })

  test('what was never held leaves no row when it is deleted', async () => {
    await warehouse.load(T1, [file(patient('1', 'A')), deleted('Patient/9')])
    expect(await rows()).toEqual(['1 A 1'])
  })

  test('a rebuild gives the same rows, those of deleted resources too', async () => {
    await warehouse.load(T1, [file(patient('1', 'A'), patient('2', 'B'), patient('3', 'C'))], ['Patient'])
    await warehouse.load(T2, [file(patient('2', 'B2')), deleted('Patient/1')])
    await warehouse.load(T3, [file(patient('1', 'A'), patient('2', 'B2'))], ['Patient'])
    const before = await rows()
    await warehouse.use({ ...keepDeleted(nameView), hash: 'another' })
    expect(await rows()).toEqual(before)
    expect(before).toEqual(['1 A 3', '2 B2 2', '3 C 1 01-03'])
  })

  test('a change of the policy rebuilds the tables: the rows of what was deleted before come back', async () => {
    await warehouse.use(nameView)
    await warehouse.load(T1, [file(patient('1', 'A'), patient('2', 'B'))])
    await warehouse.load(T2, [deleted('Patient/2')])
    expect(await warehouse.families()).toEqual(['1 A'])
    expect(await warehouse.use(keepDeleted(nameView))).toMatchObject({
      rebuilt: [{ table: 'patient_name', gained: ['_deleted_at'] }],
    })
    expect(await rows()).toEqual(['1 A 1', '2 B 1 01-02'])
    await warehouse.use(nameView)
    expect(await warehouse.families()).toEqual(['1 A'])
  })
})

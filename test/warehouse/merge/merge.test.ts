import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { View } from '../../../src/warehouse/tables/view.ts'
import { deletions, nameView, patient, WarehouseFixture } from '../warehouse-fixture.ts'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
})
afterEach(() => warehouse.close())

const T1 = '2026-01-01T00:00:00Z'
const T2 = '2026-02-01T00:00:00Z'
const T3 = '2026-03-01T00:00:00Z'

describe('merge', () => {
  test('a first load inserts everything and each row names source, run, file and line', async () => {
    const merged = await warehouse.load(T1, [
      { lines: [patient('a', ['A', 'B']), patient('b', [])] },
      { lines: [patient('c', 'C')] },
    ])
    expect(merged.types).toEqual([
      { type: 'Patient', received: 3, inserted: 3, updated: 0, unchanged: 0, superseded: 0, deleted: 0 },
    ])
    expect(merged.views).toEqual([
      { view_table: 'patient_name', rows_removed: 0, rows_added: 3, rows: 3, losses: [], view_hash: 'h1' },
    ])
    const rows = await warehouse.database.using((session) => session.rows('FROM patient_name ORDER BY family'))
    expect(rows.at(-1)).toEqual({
      _source: 's',
      _resource_key: 's/Patient/c',
      _last_updated: null,
      _run: 1,
      _file: 2,
      _line: 1,
      family: 'C',
    })
  })

  test('an increment rewrites what changed and nothing else', async () => {
    await warehouse.load(T1, [{ lines: [patient('a', 'A'), patient('b', 'B'), patient('c', 'C')] }])
    const merged = await warehouse.load(T2, [
      { lines: [patient('a', 'A'), patient('b', ['B2', 'B3']), patient('d', 'D')] },
    ])
    expect(merged.types).toEqual([
      { type: 'Patient', received: 3, inserted: 1, updated: 1, unchanged: 1, superseded: 0, deleted: 0 },
    ])
    expect(merged.views[0]).toMatchObject({ rows_removed: 1, rows_added: 3 })
    expect(await warehouse.families()).toEqual(['a A', 'b B2', 'b B3', 'c C', 'd D'])
    const runs = await warehouse.database.using((session) =>
      session.rows('SELECT _run, count(*) AS n FROM patient_name GROUP BY 1 ORDER BY 1'),
    )
    expect(runs).toEqual([
      { _run: 1, n: 2 },
      { _run: 2, n: 3 },
    ])
  })

  test('loading the same again changes nothing', async () => {
    const lines = [patient('a', 'A', T1, '1'), patient('b', 'B')]
    await warehouse.load(T1, [{ lines }])
    const merged = await warehouse.load(T2, [{ lines }])
    expect(merged.types[0]).toMatchObject({ received: 2, unchanged: 2, inserted: 0, updated: 0 })
    expect(merged.views[0]).toMatchObject({ rows_removed: 0, rows_added: 0, rows: 2 })
  })

  test('an older version never overwrites a newer one, and instants compare as instants, not as text', async () => {
    await warehouse.load(T1, [
      { lines: [patient('a', 'new', '2026-01-01T00:30:00+05:00'), patient('b', 'new', '2026-01-01T10:00:00.5Z', '2')] },
    ])
    await warehouse.load(T2, [
      { lines: [patient('a', 'newest', '2025-12-31T20:00:00Z'), patient('b', 'old', '2026-01-01T10:00:00Z', '1')] },
    ])
    expect(await warehouse.families()).toEqual(['a newest', 'b new'])
  })

  test("clocks of one server's nodes may differ: of a later run an instant minutes earlier, or a later version, is newer", async () => {
    const [noon, before, long] = ['2026-01-01T12:00:00Z', '2026-01-01T11:58:00Z', '2026-01-01T11:00:00Z']
    await warehouse.load(noon, [
      { lines: [patient('a', 'A', noon), patient('b', 'B', noon, '2'), patient('c', 'C', noon)] },
      { kind: 'deleted', lines: [deletions('Patient/d', 'Patient/e')] },
    ])
    await warehouse.load(T2, [
      { lines: [patient('a', 'A2', before), patient('b', 'B3', long, '3'), patient('c', 'old', long)] },
      { lines: [patient('d', 'again', before), patient('e', 'old', long)] },
    ])
    expect(await warehouse.families()).toEqual(['a A2', 'b B3', 'c C', 'd again'])
  })

  test('what an increment has of a resource only in part, though it changed, is counted by type', async () => {
    await warehouse.load(T1, [{ lines: [patient('a', 'A', T1), patient('b', 'B', T1)] }])
    const tag = [{ code: 'SUBSETTED' }]
    const part = (id: string, at: string) => ({ resourceType: 'Patient', id, meta: { lastUpdated: at, tag } })
    const merged = await warehouse.load(T2, [{ lines: [part('a', T2), patient('b', 'B', T1), part('c', T2)] }])
    expect(merged.partial).toEqual([{ type: 'Patient', count: 1 }])
  })

  test('of several versions in one run the newest wins, wherever it lies: by instant, by version as a number, by place', async () => {
    const merged = await warehouse.load(T1, [
      { lines: [patient('a', 'a2', T2), patient('b', 'b10', T1, '10'), patient('c', 'c1'), patient('c', 'c2')] },
      { lines: [patient('a', 'a1', T1), patient('b', 'b9', T1, '9'), patient('c', 'c3')] },
    ])
    expect(await warehouse.families()).toEqual(['a a2', 'b b10', 'c c3'])
    expect(merged.types[0]).toMatchObject({ received: 7, inserted: 3, superseded: 4 })
  })

  test('a reported deletion removes the rows of a resource, in whatever form it is reported', async () => {
    await warehouse.load(T1, [{ lines: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((id) => patient(id, id)) }])
    const bundle = deletions(
      'Patient/a',
      'https://host/fhir/Patient/b',
      'Patient/c/_history/3',
      '/Patient/d',
      'Patient/unknown',
      'Patient?identifier=1',
    )
    const lower = {
      resourceType: 'Bundle',
      entry: [
        { request: { method: 'delete', url: 'Patient/e?_format=json' } },
        { request: { method: 'PUT', url: 'Patient/f' } },
        { request: { url: 'Patient/g' } },
        { fullUrl: 'https://host/fhir/Patient/h' },
      ],
    }
    const merged = await warehouse.load(T2, [{ kind: 'deleted', lines: [bundle, lower, bundle] }])
    expect(await warehouse.families()).toEqual(['f f'])
    expect(merged.types[0]).toMatchObject({ type: 'Patient', deleted: 7, received: 0 })
    expect(merged.notUnderstood).toEqual([{ file: 2, count: 2 }])
  })

  test('a tombstone beats what it is newer than, even what comes later; a later re-creation beats the tombstone', async () => {
    await warehouse.load(T2, [{ kind: 'deleted', lines: [deletions('Patient/a', 'Patient/b')] }])
    await warehouse.load(T3, [{ lines: [patient('a', 'late', T1), patient('b', 'again', '2026-02-15T00:00:00Z')] }])
    expect(await warehouse.families()).toEqual(['b again'])
  })

  test('where the line that creates a deleted resource again is lost, the next run that brings it still counts', async () => {
    await warehouse.load(T1, [{ lines: [patient('a', 'A', T1), patient('b', 'B', T1)] }])
    const deletion = { kind: 'deleted' as const, lines: [deletions('Patient/a', 'Patient/b')] }
    await warehouse.loadRun([{ exportedAt: T3, since: T1, files: [deletion], held: ['Patient'] }])
    expect(await warehouse.families()).toEqual([])
    const again = patient('a', 'again', T2)
    await warehouse.loadRun([{ exportedAt: T3, since: T1, files: [deletion, { lines: [again] }] }])
    expect(await warehouse.families()).toEqual(['a again'])
  })

  test('of a type that an export was not asked for, it deletes nothing: its own export of the run tells more', async () => {
    const deletion = { kind: 'deleted' as const, lines: [deletions('Patient/a')] }
    await warehouse.loadRun([
      { exportedAt: T1, files: [{ lines: [patient('a', 'A')] }], types: ['Patient'] },
      { exportedAt: T2, files: [deletion], types: ['Observation'] },
    ])
    expect(await warehouse.families()).toEqual(['a A'])
  })

  test('a deletion beats a version of another export of the run only if it is later', async () => {
    const deletion = { exportedAt: T2, files: [{ kind: 'deleted' as const, lines: [deletions('Patient/a')] }] }
    await warehouse.loadRun([{ exportedAt: T3, files: [{ lines: [patient('a', 'A', T3)] }] }, deletion])
    expect(await warehouse.families()).toEqual(['a A'])
    await warehouse.loadRun([{ exportedAt: T1, files: [{ lines: [patient('a', 'A', T1)] }] }, deletion])
    expect(await warehouse.families()).toEqual([])
  })

  test('the same deletion told again and again stays the one of its first telling', async () => {
    await warehouse.load(T1, [{ kind: 'deleted', lines: [deletions('Patient/a')] }])
    await warehouse.load(T3, [{ kind: 'deleted', lines: [deletions('Patient/a')] }])
    expect(await warehouse.index('id, run, exported_at')).toEqual([{ id: 'a', run: 1, exported_at: new Date(T1) }])
    await warehouse.load(T3, [{ lines: [patient('a', 'again', T2)] }])
    expect(await warehouse.families()).toEqual(['a again'])
  })

  describe("when the server's clock goes back, or another server takes its place, the later run is still the later one", () => {
    test('a whole load wins over all that was held, and what it lacks goes', async () => {
      await warehouse.load(T3, [{ lines: [patient('a', 'A'), patient('b', 'B', T3), patient('c', 'C', T3)] }])
      await warehouse.load(T1, [{ lines: [patient('a', 'A2'), patient('b', 'B2', T1)] }], ['Patient'])
      expect(await warehouse.families()).toEqual(['a A2', 'b B2'])
    })
    test('so does what an increment brings without an instant, and a deletion it reports', async () => {
      await warehouse.load(T3, [{ lines: [patient('a', 'A'), patient('b', 'B', T3)] }])
      await warehouse.load(T1, [{ lines: [patient('a', 'A2')] }, { kind: 'deleted', lines: [deletions('Patient/b')] }])
      expect(await warehouse.families()).toEqual(['a A2'])
    })
    test('a tombstone gives way to what a later whole load has', async () => {
      await warehouse.load(T3, [{ kind: 'deleted', lines: [deletions('Patient/a')] }])
      await warehouse.load(T1, [{ lines: [patient('a', 'A', T1)] }], ['Patient'])
      expect(await warehouse.families()).toEqual(['a A'])
    })
  })

  test('what an export lists both as output and as deleted is alive', async () => {
    await warehouse.load(T1, [{ lines: [patient('a', 'A')] }, { kind: 'deleted', lines: [deletions('Patient/a')] }])
    expect(await warehouse.families()).toEqual(['a A'])
  })

  test('a whole export that lacks a resource deletes it, of the types it tells wholly alone; being seen again revives it', async () => {
    await warehouse.load(T1, [
      { lines: [patient('a', 'A', T1), patient('b', 'B', T1), { resourceType: 'Observation', id: 'o' }] },
    ])
    const merged = await warehouse.load(T2, [{ lines: [patient('a', 'A', T1)] }], ['Patient'])
    expect(merged.types).toEqual([
      { type: 'Patient', received: 1, inserted: 0, updated: 0, unchanged: 1, superseded: 0, deleted: 1 },
    ])
    expect(await warehouse.families()).toEqual(['a A'])
    await warehouse.load(T3, [{ lines: [patient('b', 'B', T1)] }])
    expect(await warehouse.families()).toEqual(['a A', 'b B'])
  })

  describe('a resource of which only some elements came', () => {
    const some = (id: string, lastUpdated: string) => ({
      resourceType: 'Patient',
      id,
      meta: { lastUpdated, tag: [{ code: 'SUBSETTED' }] },
    })
    test('never takes the place of a whole one, newer or not, in the same run or a later one', async () => {
      await warehouse.load(T1, [{ lines: [patient('a', 'A', T1), some('b', T1), patient('b', 'B', T1)] }])
      await warehouse.load(T2, [{ lines: [some('a', T2)] }])
      expect(await warehouse.families()).toEqual(['a A', 'b B'])
    })
    test('is as good as a whole one where only some elements were asked for', async () => {
      await warehouse.load(T1, [{ lines: [patient('a', 'A', T1)] }])
      await warehouse.loadRun([
        { exportedAt: T2, whole: ['Patient'], elementsAsked: true, files: [{ lines: [some('a', T1)] }] },
      ])
      expect(await warehouse.index('id, run, subsetted')).toEqual([{ id: 'a', run: 2, subsetted: false }])
    })
    test('is held as long as there is nothing better, and gives way to a whole one', async () => {
      await warehouse.load(T1, [{ lines: [some('a', T1)] }])
      expect(await warehouse.index('id, subsetted')).toEqual([{ id: 'a', subsetted: true }])
      await warehouse.load(T2, [{ lines: [patient('a', 'A', T1)] }])
      expect(await warehouse.families()).toEqual(['a A'])
      expect(await warehouse.index('id, subsetted')).toEqual([{ id: 'a', subsetted: false }])
    })
  })

  describe('of a Group that patients leave', () => {
    const observation = (id: string, patient: string) => ({
      resourceType: 'Observation',
      id,
      subject: { reference: `https://example.org/fhir/Patient/${patient}/_history/1` },
    })
    const coverage = { resourceType: 'Observation', id: 'o3', beneficiary: { reference: 'Patient/a' } }
    const nobodys = { resourceType: 'Observation', id: 'o4', subject: { reference: 'Device/a' } }
    const loadAll = () =>
      warehouse.load(T1, [
        { lines: [patient('a', 'A'), patient('b', 'B')] },
        { lines: [observation('o1', 'a'), observation('o2', 'b'), coverage, nobodys] },
      ])
    const alive = () => warehouse.index('id', 'deleted_by IS NULL')
    const left = {
      members: `(SELECT 'b' AS patient WHERE $1 = 's')`,
      left: `(SELECT 'a' AS patient WHERE $1 = 's')`,
      changed: true,
      at: new Date(T2),
    }

    test('what belongs to them goes, where it is to go', async () => {
      await loadAll()
      const merged = await warehouse.load(T2, [], [], 's', { ...left, policy: 'remove' })
      expect(merged.types.map(({ type, deleted }) => [type, deleted])).toEqual([
        ['Observation', 2],
        ['Patient', 1],
      ])
      expect(await alive()).toEqual([{ id: 'b' }, { id: 'o2' }, { id: 'o4' }])
      expect(await warehouse.families()).toEqual(['b B'])
      await warehouse.load(T3, [{ lines: [patient('a', 'again', T1)] }])
      expect(await warehouse.families()).toEqual(['a again', 'b B'])
    })
    test('what belongs to them stays, where it is to stay, though a whole export no longer has it', async () => {
      await loadAll()
      const whole = ['Patient', 'Observation']
      await warehouse.load(T2, [{ lines: [patient('b', 'B')] }], whole, 's', { ...left, policy: 'keep' })
      expect(await alive()).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'o1' }, { id: 'o3' }])
    })
    test('what names a member besides, or a patient who never was one, stays', async () => {
      await loadAll()
      const shared = { ...observation('o5', 'a'), performer: [{ reference: 'Patient/b' }] }
      await warehouse.load(T1, [{ lines: [shared, observation('o6', 'a-baby')] }])
      await warehouse.load(T2, [], [], 's', { ...left, policy: 'remove' })
      expect(await alive()).toEqual([{ id: 'b' }, { id: 'o2' }, { id: 'o4' }, { id: 'o5' }, { id: 'o6' }])
    })
    test('all that belongs to nobody of the first list goes, where nobody knows who left', async () => {
      await loadAll()
      await warehouse.load(T2, [], [], 's', { ...left, left: undefined, policy: 'remove' })
      expect(await alive()).toEqual([{ id: 'b' }, { id: 'o2' }, { id: 'o4' }])
    })
    test('of one who is back, what his history lacks was deleted meanwhile, of the types that came whole', async () => {
      await loadAll()
      await warehouse.load(T2, [], [], 's', { ...left, policy: 'keep' })
      const back = {
        ...left,
        members: `(SELECT unnest(['a', 'b']) AS patient WHERE $1 = 's')`,
        left: `(SELECT '' AS patient WHERE $1 <> $1)`,
        returned: { patients: `(SELECT 'a' AS patient WHERE $1 = 's')`, types: ['Observation'] },
      }
      await warehouse.load(T3, [{ lines: [observation('o1', 'a')] }], [], 's', { ...back, policy: 'keep' })
      expect(await alive()).toEqual([{ id: 'a' }, { id: 'b' }, { id: 'o1' }, { id: 'o2' }, { id: 'o4' }])
    })
  })

  test('what one export of a run brings and a later one reports as deleted is deleted, and can be created again', async () => {
    await warehouse.loadRun([
      { exportedAt: T1, whole: ['Patient'], files: [{ lines: [patient('a', 'A', T1), patient('b', 'B', T1)] }] },
      { exportedAt: T2, files: [{ kind: 'deleted', lines: [deletions('Patient/a')] }] },
    ])
    expect(await warehouse.families()).toEqual(['b B'])
    expect(await warehouse.index('id, deleted_by')).toEqual([
      { id: 'a', deleted_by: 'reported' },
      { id: 'b', deleted_by: null },
    ])
    await warehouse.load(T3, [{ lines: [patient('a', 'again', T3)] }])
    expect(await warehouse.families()).toEqual(['a again', 'b B'])
    expect(await warehouse.index('id')).toHaveLength(2)
  })

  describe('a whole export tells the present state', () => {
    test('though its versions are older than what was held: a backup was restored', async () => {
      await warehouse.load(T2, [{ lines: [patient('a', 'A2', T2, '2'), patient('b', 'B', T2)] }])
      await warehouse.load(T3, [{ lines: [patient('a', 'A1', T1, '1')] }], ['Patient'])
      expect(await warehouse.families()).toEqual(['a A1'])
    })
    test('though what was held claims to be of the future', async () => {
      const future = '2099-01-01T00:00:00Z'
      await warehouse.load(T1, [
        { lines: [patient('a', 'A', future), patient('b', 'B', future), patient('c', 'C', 'infinity')] },
      ])
      await warehouse.load(T2, [{ lines: [patient('a', 'A2', T2), patient('c', 'C2', T2)] }])
      expect(await warehouse.families()).toEqual(['a A2', 'b B', 'c C2'])
      await warehouse.load(T3, [{ lines: [patient('a', 'A2', T2)] }], ['Patient'])
      expect(await warehouse.families()).toEqual(['a A2'])
    })
  })

  test('what a view lacks because of its shape is counted, of the lines that are new to it', async () => {
    const odd = (id: string) => ({ resourceType: 'Patient', id, name: [{ family: { text: 'A' } }] })
    const losses = async (at: string, lines: object[]) => (await warehouse.load(at, [{ lines }])).views[0]!.losses
    const lost = (values: number) => ({ column: 'family', element: null, wanted: 'text', values })
    expect(await losses(T1, [odd('a'), odd('b'), patient('c', 'C')])).toEqual([lost(2)])
    expect(await losses(T2, [odd('a'), odd('d')])).toEqual([lost(1)])
    expect(await losses(T3, [odd('a')])).toEqual([])
  })

  test('losses are counted where the rows tell of some, and only there', async () => {
    const counted: string[] = []
    const lossSql: View['lossSql'] = (input) => {
      counted.push(input.from)
      return nameView.lossSql(input)
    }
    warehouse.views[0] = { ...nameView, lossSql }
    await warehouse.load(T1, [{ lines: [patient('a', 'A'), patient('b', [])] }])
    expect(counted).toEqual([])
    const merged = await warehouse.load(T2, [{ lines: [{ resourceType: 'Patient', id: 'b', name: [{ family: {} }] }] }])
    expect([counted.length, merged.views[0]!.losses[0]!.values]).toEqual([1, 1])
    await warehouse.load(T3, [{ lines: [patient('b', 'B')] }])
    expect(counted.length).toBe(1)
  })

  test('the same id at two sources is two resources', async () => {
    await warehouse.load(T1, [{ lines: [patient('a', 'A')] }])
    await warehouse.load(T1, [{ lines: [patient('a', 'Other')] }], ['Patient'], 'other')
    await warehouse.load(T2, [{ kind: 'deleted', lines: [deletions('Patient/a')] }], [], 'other')
    expect(await warehouse.families()).toEqual(['a A'])
  })

  test('a changed view is rebuilt from the raw log: the newest version of what is alive, with its own lineage', async () => {
    await warehouse.load(T1, [{ lines: [patient('a', 'A'), patient('b', 'B'), patient('c', 'C')] }])
    await warehouse.load(T2, [{ lines: [patient('b', 'B2')] }, { kind: 'deleted', lines: [deletions('Patient/c')] }])
    const before = await warehouse.database.using((session) => session.rows('FROM patient_name ORDER BY ALL'))
    warehouse.views[0] = { ...warehouse.views[0]!, hash: 'h2' }
    expect(await warehouse.align()).toMatchObject({
      made: [],
      rebuilt: [{ table: 'patient_name', gained: [], lost: [] }],
      dropped: [],
    })
    expect(await warehouse.database.using((session) => session.rows('FROM patient_name ORDER BY ALL'))).toEqual(before)
    expect(await warehouse.align()).toEqual({ made: [], rebuilt: [], dropped: [] })
    warehouse.views.pop()
    expect(await warehouse.align()).toEqual({ made: [], rebuilt: [], dropped: ['patient_name'] })
  })

  test('a failed transaction leaves no trace', async () => {
    await warehouse.load(T1, [{ lines: [patient('a', 'A')] }])
    warehouse.views.push({ ...warehouse.views[0]!, name: 'no_such_table' })
    await expect(warehouse.load(T2, [{ lines: [patient('a', 'A2')] }])).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(await warehouse.families()).toEqual(['a A'])
    const index = await warehouse.database.using((session) => session.rows('SELECT run FROM stoker.resource'))
    expect(index).toEqual([{ run: 1 }])
  })
})

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { subjectOf } from '../../../src/warehouse/purge/subject.ts'
import { keepDeleted } from '../../../src/warehouse/tables/view.ts'
import { deletions, nameView, patient, WarehouseFixture } from '../warehouse-fixture.ts'
import { day, observation, observationView, PurgeFixture } from './purge-fixture.ts'

let warehouse: WarehouseFixture
let fixture: PurgeFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
  fixture = new PurgeFixture(warehouse)
  warehouse.views.push(observationView)
  await warehouse.align()
})
afterEach(() => warehouse.close())

const ofP1 = subjectOf('patient', 's/Patient/p1')

/** `subject_key note` of each row of a table in each snapshot. */
async function published(table = 'observation'): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {}
  for (const name of await readdir(warehouse.lake.snapshots)) {
    const files = join(warehouse.lake.snapshots, name, table, '*.parquet')
    const rows = await fixture.rows<{ row: string }>(
      `SELECT concat_ws(' ', subject_key, note) AS row FROM read_parquet('${files}') ORDER BY row`,
    )
    found[name] = rows.map(({ row }) => row)
  }
  return found
}

test('a snapshot that has a resource as it was before it was put right goes, though the patient is not in it', async () => {
  await warehouse.load(day(1), [
    { lines: [patient('p1', 'Grünwald'), patient('p2', 'Y'), observation('o1', 'p1', 'secret')] },
  ])
  await warehouse.load(day(2), [{ kind: 'deleted', lines: [deletions('Patient/p1')] }])
  await fixture.publish()
  await warehouse.load(day(3), [{ lines: [observation('o1', 'p2', 'fine')] }])
  await fixture.publish()
  expect(await published()).toEqual({ '000001': ['s/Patient/p1 secret'], '000002': ['s/Patient/p2 fine'] })
  const purged = await fixture.purge(ofP1)
  expect(purged).toMatchObject({ snapshotsRemoved: [1], snapshot: 3 })
  await fixture.reopen()
  expect(await published()).toEqual({ '000002': ['s/Patient/p2 fine'], '000003': ['s/Patient/p2 fine'] })
})

test('such a snapshot is found when it was to stay, and when the raw log has let go of the line', async () => {
  await warehouse.load(day(1), [{ lines: [patient('p2', 'Y'), observation('o1', 'p1', 'secret')] }])
  await fixture.publish()
  await warehouse.load(day(2), [{ lines: [observation('o1', 'p2', 'fine')] }])
  await fixture.publish()
  await fixture.compact('s', { rawLog: 'latest', deletions: 'remove' })
  expect(await fixture.rows('SELECT id FROM stoker.resource_past')).toEqual([])
  const kept = await fixture.purge(ofP1, true)
  expect(kept).toMatchObject({ snapshotsLeft: [1], keepsSnapshots: true })
  expect(kept.places.find(({ place }) => place === 'snapshots')).toMatchObject({ scanned: 3, found: 1 })
  await fixture.reopen()
  expect(await fixture.purge(ofP1)).toMatchObject({ snapshotsRemoved: [1] })
})

test('a table named as the schema of lineage is looked through in snapshots', async () => {
  warehouse.views.splice(0, 2, { ...observationView, name: 'stoker' })
  await warehouse.align()
  await warehouse.load(day(1), [{ lines: [observation('o1', 'p1', 'secret')] }])
  await fixture.publish()
  expect(await fixture.purge(ofP1)).toMatchObject({ snapshotsRemoved: [1] })
  await fixture.reopen()
  expect(await published('stoker')).toEqual({ '000002': [] })
})

test('what was deleted when it was another patient’s stays theirs, without its lines of before', async () => {
  warehouse.views.splice(0, 2, keepDeleted(nameView), keepDeleted(observationView))
  await warehouse.align()
  await warehouse.load(day(1), [
    {
      lines: [
        ...['p1', 'p2'].map((id) => patient(id, id)),
        observation('o1', 'p1', 'secret'),
        observation('o2', 'p2', 'secret'),
      ],
    },
  ])
  await warehouse.load(day(2), [{ lines: [observation('o1', 'p2', 'fine'), observation('o2', 'p1', 'wrong')] }])
  await warehouse.load(day(3), [{ kind: 'deleted', lines: [deletions('Observation/o1', 'Observation/o2')] }])
  // o2 was theirs to the end: it goes whole.
  const purged = await fixture.purge(ofP1)
  expect(purged).toMatchObject({ viewRows: 2, rawLines: 4, namedBy: 1 })
  await fixture.reopen()
  expect(await fixture.rows('SELECT subject_key, note FROM observation')).toEqual([
    { subject_key: 's/Patient/p2', note: 'fine' },
  ])
  expect(await fixture.rows('SELECT id, run, until_run FROM stoker.resource_past')).toEqual([
    { id: 'o1', run: 2, until_run: 3 },
  ])
  const hash = 'anew'
  warehouse.views[1] = { ...warehouse.views[1]!, hash }
  await warehouse.align()
  expect(await fixture.rows('SELECT note FROM observation')).toEqual([{ note: 'fine' }])
})

import { spawnSync } from 'node:child_process'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { markText, ownMark } from '../../../src/store/process-mark.ts'
import { makeQuerySpill, spillsIn } from '../../../src/store/spill.ts'
import { removeLeftSnapshots } from '../../../src/warehouse/purge/snapshots.ts'
import { subjectOf } from '../../../src/warehouse/purge/subject.ts'
import { Lease } from '../../../src/warehouse/snapshot/leases.ts'
import { patient, WarehouseFixture } from '../warehouse-fixture.ts'
import { day, now, PurgeFixture } from './purge-fixture.ts'

let warehouse: WarehouseFixture
let fixture: PurgeFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
  fixture = new PurgeFixture(warehouse)
})
afterEach(() => warehouse.close())

const ID = 'pat-7f3a9c21'
const subject = subjectOf('patient', `s/Patient/${ID}`)
const removeLeft = () => removeLeftSnapshots(warehouse.database, warehouse.lake, now)

test('a snapshot that is being read during a purge goes with what comes next, when nobody reads it', async () => {
  await warehouse.load(day(1), [{ lines: [patient(ID, 'Grünwald'), patient('p2', 'Y')] }])
  await fixture.publish()
  const lease = await Lease.take(warehouse.lake, 1)
  expect(await fixture.purge(subject)).toMatchObject({ snapshotsRemoved: [], snapshotsLeft: [1], snapshot: 2 })
  await fixture.reopen()
  expect(await removeLeft()).toEqual({ removed: [], left: [1] })
  await lease!.release()
  expect(await removeLeft()).toEqual({ removed: [1], left: [] })
  expect(await readdir(warehouse.lake.snapshots)).toEqual(['000002'])
  expect(await removeLeft()).toEqual({ removed: [], left: [] })
})

test('snapshots that were to stay are not taken for left behind', async () => {
  await warehouse.load(day(1), [{ lines: [patient(ID, 'Grünwald')] }])
  await fixture.publish()
  expect(await fixture.purge(subject, true)).toMatchObject({ snapshotsLeft: [1] })
  await fixture.reopen()
  expect(await removeLeft()).toEqual({ removed: [], left: [] })
})

test('what a killed query spilled is removed by a purge; of queries under way it tells that they did', async () => {
  await warehouse.load(day(1), [{ lines: [patient(ID, 'Grünwald')] }])
  const gone = markText({ ...ownMark(), pid: spawnSync('true').pid, began: '1' })
  const killed = join(spillsIn(warehouse.lake.root), `query-${gone}-abc`)
  const idle = await makeQuerySpill(warehouse.lake.root)
  const busy = (await makeQuerySpill(warehouse.lake.root))!
  await mkdir(killed)
  for (const folder of [killed, busy]) await writeFile(join(folder, 'duckdb_temp_storage-0.tmp'), `s/Patient/${ID}`)
  expect(await fixture.purge(subject)).toMatchObject({ queriesLeft: 1 })
  const left = (await readdir(spillsIn(warehouse.lake.root))).filter((name) => name.startsWith('query-'))
  expect(left.map((name) => join(spillsIn(warehouse.lake.root), name)).sort()).toEqual([idle, busy].sort())
})

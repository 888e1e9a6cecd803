import { afterEach, beforeEach, expect, test } from 'vitest'
import { subjectOf } from '../../../src/warehouse/purge/subject.ts'
import { patient } from '../../warehouse/warehouse-fixture.ts'
import { day, PurgeFixture } from '../../warehouse/purge/purge-fixture.ts'
import { CohortFixture } from './cohort-fixture.ts'

const ID = 'pat-7f3a9c21'

let cohorts: CohortFixture
let fixture: PurgeFixture
beforeEach(async () => {
  cohorts = await CohortFixture.make()
  fixture = new PurgeFixture(cohorts.warehouse)
  await cohorts.warehouse.load(day(1), [{ lines: [patient(ID, 'Grünwald'), patient('b', 'B')] }])
  await cohorts.warehouse.load(day(1), [{ lines: [patient(ID, 'Other')] }], [], 't')
  await cohorts.define(
    'all',
    'SELECT _resource_key AS patient_key FROM patient WHERE _resource_key <> $not',
    `-- parameter not VARCHAR = 'nobody'  left out\n`,
  )
  await cohorts.publish()
  await cohorts.run(1)
})
afterEach(() => cohorts.close())

test('a purged patient leaves every cohort, past members too, and the bytes of the lake have no trace of the key', async () => {
  await cohorts.define(
    'without',
    'SELECT _resource_key AS patient_key FROM patient WHERE _resource_key <> $not',
    `-- parameter not VARCHAR = 's/Patient/${ID}'  left out\n`,
  )
  await cohorts.run(1)
  // As though they had been in and left.
  await cohorts.rows(`INSERT INTO stoker.cohort_member VALUES ('past', 's/Patient/${ID}', 1, 2)`)
  const purged = await fixture.purge(subjectOf('patient', `s/Patient/${ID}`))
  // Of the id, a patient of another source has it; of the key, nobody.
  expect(purged.needles.find(({ what }) => what === 'key')).toMatchObject({ ofOthers: {} })
  expect(purged.needles.find(({ what }) => what === 'id')!.ofOthers).toHaveProperty(['stoker.cohort_member'], 2)
  expect(purged.places.map(({ found }) => found)).toEqual([0, 0, 0, 0, 0, 0])
  await fixture.reopen()
  expect(await cohorts.rows('SELECT patient_key FROM stoker.cohort_member ORDER BY ALL')).toEqual(
    ['s/Patient/b', 's/Patient/b', `t/Patient/${ID}`, `t/Patient/${ID}`].map((patient_key) => ({ patient_key })),
  )
  expect(await cohorts.rows('SELECT cohort, parameters, members FROM stoker.cohort_run ORDER BY ALL')).toEqual([
    { cohort: 'all', parameters: '{"not":"nobody"}', members: 3 },
    { cohort: 'without', parameters: null, members: 2 },
  ])
  // Nobody left: they were never there.
  expect(await cohorts.run(2)).toMatchObject({ all: { members: 2, entered: 0, left: 0 } })
})

test('an older snapshot that still has them does not bring them back', async () => {
  await fixture.purge(subjectOf('patient', `s/Patient/${ID}`), true)
  await fixture.reopen()
  await cohorts.define('all', 'SELECT _resource_key AS patient_key FROM patient')
  expect(await cohorts.run(1)).toMatchObject({ all: { kind: 'done', rows: 3, members: 2, strangers: 1 } })
})

test('a purged source takes its patients out of every cohort, and no other', async () => {
  await fixture.purge(subjectOf('source', 's'))
  await fixture.reopen()
  expect(await cohorts.rows('SELECT patient_key FROM stoker.cohort_member')).toEqual([
    { patient_key: `t/Patient/${ID}` },
  ])
})

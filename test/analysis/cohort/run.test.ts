import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { readCohorts } from '../../../src/analysis/cohort/library.ts'
import { cohortAsOf, cohortDiff, cohortRuns, newestCohortRuns } from '../../../src/analysis/cohort/records.ts'
import { runCohorts } from '../../../src/analysis/cohort/run.ts'
import type { StokerError } from '../../../src/core/errors.ts'
import { SnapshotReader } from '../../../src/warehouse/reading/reader.ts'
import { removeSnapshots } from '../../../src/warehouse/snapshot/retention.ts'
import { deletions, patient } from '../../warehouse/warehouse-fixture.ts'
import { day, observation } from '../../warehouse/purge/purge-fixture.ts'
import { CohortFixture } from './cohort-fixture.ts'

let fixture: CohortFixture
let made: CohortFixture
beforeAll(async () => {
  made = await CohortFixture.make()
  const patients = ['a', 'b', 'c'].map((id) => patient(id, id.toUpperCase()))
  const notes = [observation('o1', 'a', 'high'), observation('o2', 'b', 'high'), observation('o3', 'b', 'high')]
  await made.warehouse.load(day(1), [{ lines: [...patients, ...notes] }])
  await made.publish()
  made.warehouse.database.close()
})
afterAll(() => made.close())
beforeEach(async () => {
  fixture = await made.copy()
})
afterEach(() => fixture.close())

const HIGH = `SELECT subject_key AS patient_key FROM observation WHERE note = 'high'`
const ask = <T extends object>(sql: string) => fixture.rows<T>(sql)

async function failure(name: string, snapshot = 1): Promise<StokerError> {
  const outcome = (await fixture.run(snapshot))[name]!
  if (outcome.kind !== 'failed') throw new Error(`${name} did not fail`)
  return outcome.error as StokerError
}

test('who entered and left is kept from snapshot to snapshot, and the same snapshot again changes nothing', async () => {
  await fixture.define('high', HIGH)
  expect(await fixture.run(1)).toMatchObject({ high: { kind: 'done', members: 2, rows: 3, entered: 2, left: 0 } })
  const kept = [await fixture.rows('FROM stoker.cohort_run'), await fixture.rows('FROM stoker.cohort_member')]
  expect(await fixture.run(1)).toMatchObject({ high: { kind: 'same', members: 2, entered: 2, left: 0, snapshot: 1 } })
  expect([await fixture.rows('FROM stoker.cohort_run'), await fixture.rows('FROM stoker.cohort_member')]).toEqual(kept)

  await fixture.warehouse.load(day(2), [{ lines: [observation('o1', 'a', 'low'), observation('o4', 'c', 'high')] }])
  await fixture.publish()
  expect(await fixture.run(2)).toMatchObject({ high: { kind: 'done', members: 2, entered: 1, left: 1 } })
  await fixture.warehouse.load(day(3), [{ lines: [observation('o1', 'a', 'high')] }])
  await fixture.publish()
  await fixture.publish()
  expect(await fixture.run(4)).toMatchObject({ high: { kind: 'done', members: 3, entered: 1, left: 0 } })
  expect(await fixture.intervals('high')).toEqual(['a 1-2', 'a 4-', 'b 1-', 'c 2-'])
  expect(await cohortDiff(ask, 'high', 1, 3)).toMatchObject({ entered: 1, left: 1, stayed: 1, to: { ran: 2 } })
  expect(await cohortDiff(ask, 'high', 1, 4)).toMatchObject({ entered: 1, left: 0, stayed: 2, redefined: [] })
  await expect(cohortAsOf(ask, 'hihg', 1)).rejects.toMatchObject({ hint: 'did you mean high?' })
})

test('several at once take turns: nobody enters twice', async () => {
  await fixture.define('high', HIGH)
  const [first, second] = await Promise.all([fixture.run(1), fixture.run(1)])
  expect([first.high!.kind, second.high!.kind]).toEqual(['done', 'same'])
  expect(await fixture.intervals('high')).toEqual(['a 1-', 'b 1-'])
})

test('a changed definition is marked, over the same snapshot takes the place of the old, and prose changes nothing', async () => {
  const head = '-- parameter word VARCHAR = '
  const sql = 'SELECT subject_key AS patient_key FROM observation WHERE note = $word'
  await fixture.define('high', sql, `${head}'high'  what is noted\n`)
  await fixture.run(1)
  await fixture.define('high', sql, `${head}'high'  what somebody noted\n`)
  expect(await fixture.run(1)).toMatchObject({ high: { kind: 'same' } })
  await fixture.warehouse.load(day(2), [{ lines: [observation('o4', 'c', 'low')] }])
  await fixture.publish()
  await fixture.run(2)
  await fixture.define('high', sql, `${head}'low'  what is noted\n`)
  expect(await fixture.run(2)).toMatchObject({
    high: { kind: 'done', definitionChanged: true, members: 1, entered: 1, left: 2 },
  })
  expect(await fixture.intervals('high')).toEqual(['a 1-2', 'b 1-2', 'c 2-'])
  expect(await cohortDiff(ask, 'high', 1, 2)).toMatchObject({ redefined: [2] })
  const runs = await cohortRuns(ask, 'high', 10)
  expect(runs.map((run) => [run.snapshot, run.definition_changed, run.parameters])).toEqual([
    [2, true, '{"word":"low"}'],
    [1, false, '{"word":"high"}'],
  ])
  // And back: as though it had never been.
  await fixture.define('high', sql, `${head}'high'  what is noted\n`)
  expect(await fixture.run(2)).toMatchObject({ high: { definitionChanged: false, entered: 0, left: 0 } })
  expect(await fixture.intervals('high')).toEqual(['a 1-', 'b 1-'])
})

test('an older snapshot is refused with the way out, and --anew begins there', async () => {
  await fixture.define('high', HIGH)
  await fixture.publish()
  await fixture.run(2)
  expect(await failure('high', 1)).toMatchObject({
    code: 'COHORT_OUT_OF_ORDER',
    hint: expect.stringContaining('--anew') as string,
  })
  expect(await cohortRuns(ask, 'high', 10)).toHaveLength(1)
  expect(await fixture.run(1, { anew: true })).toMatchObject({ high: { kind: 'done', entered: 2 } })
  expect(await fixture.intervals('high')).toEqual(['a 1-', 'b 1-'])
})

describe('keys', () => {
  test('that are NULL, repeated, or of no patient make no member, and are counted', async () => {
    await fixture.define(
      'odd',
      `SELECT unnest(['s/Patient/a', 's/Patient/a', NULL, 's/Patient/nobody', 's/Observation/o1']) AS patient_key,
         DATE '2026-01-01' AS index_date`,
    )
    expect(await fixture.run(1)).toMatchObject({ odd: { rows: 5, nullKeys: 1, strangers: 2, members: 1, entered: 1 } })
    expect(await fixture.intervals('odd')).toEqual(['a 1-'])
    expect(await cohortRuns(ask, 'odd', 1)).toMatchObject([{ null_keys: 1, strangers: 2, rows: 5 }])
  })

  test('none of which is a patient are an error, no rows at all are an empty cohort', async () => {
    await fixture.define('wrong', 'SELECT _resource_key AS patient_key FROM observation')
    await fixture.define('none', `${HIGH} AND false`)
    expect(await failure('wrong')).toMatchObject({
      code: 'COHORT_KEYS',
      message: 'wrong: none of its 3 keys is a patient of the lake',
    })
    expect(await fixture.run(1)).toMatchObject({ none: { kind: 'same', members: 0 } })
  })

  test('of patients who were deleted are strangers, in a lake without a table of patients too when they have no form', async () => {
    const all = `SELECT unnest(['s/Patient/a', 's/Patient/b', 'a']) AS patient_key`
    await fixture.define('all', all)
    await fixture.warehouse.load(day(2), [{ lines: [deletions('Patient/b')], kind: 'deleted' }])
    await fixture.publish()
    expect(await fixture.run(2)).toMatchObject({ all: { members: 1, strangers: 2 } })
    const bare = await CohortFixture.make(false)
    try {
      await bare.warehouse.load(day(1), [{ lines: [patient('a', 'A'), patient('b', 'B')] }])
      await bare.publish()
      await bare.define('all', all)
      expect(await bare.run(1)).toMatchObject({ all: { members: 2, strangers: 1 } })
    } finally {
      await bare.close()
    }
  })
})

describe('what is wrong with one stops that one alone', () => {
  const BAD: Readonly<Record<string, readonly [sql: string, code: string, message: RegExp]>> = {
    'no-column': ['SELECT 1 AS one', 'COHORT_COLUMNS', /no column patient_key/],
    'no-text': ['SELECT 1 AS patient_key', 'COHORT_COLUMNS', /patient_key is INTEGER/],
    'no-date': [`SELECT 'x' AS patient_key, 'y' AS index_date`, 'COHORT_COLUMNS', /index_date is VARCHAR/],
    'lost-column': [
      'SELECT subject_key AS patient_key\nFROM observation\nWHERE notes = 1',
      'COHORT_SQL',
      /^lost-column, line 5: Binder Error: .*"notes".*Candidate bindings: .*note/,
    ],
    'lost-table': ['SELECT patient_key\nFROM condition', 'COHORT_SQL', /^lost-table, line 4: Catalog Error/],
    file: [`SELECT content AS patient_key FROM read_text('/etc/hostname')`, 'COHORT_SQL', /may not call read_text/],
    value: [
      `SELECT subject_key AS patient_key FROM observation WHERE note::INTEGER = 1`,
      'COHORT_DATA',
      /^value(, line 3)?: a value of the data stopped it \(Conversion Error\)$/,
    ],
  }

  test('be it its columns, its names, a file it wants to read, or a value of the data', async () => {
    for (const [name, [sql]] of Object.entries(BAD)) await fixture.define(name, sql)
    await fixture.define('zz-good', HIGH)
    await writeFile(join(fixture.folder, 'worse.sql'), 'SELECT 1')
    const { outcomes, mistakes } = await runCohorts(fixture.deps, 1)
    expect(mistakes.map(({ name }) => name)).toEqual(['worse', 'worse'])
    expect(outcomes.at(-1)).toMatchObject({ cohort: 'zz-good', kind: 'done', members: 2 })
    const noted = await newestCohortRuns(ask)
    expect(noted.map(({ cohort }) => cohort)).toEqual([...Object.keys(BAD), 'zz-good'].sort())
    for (const [name, [, code, message]] of Object.entries(BAD)) {
      expect(outcomes.find(({ cohort }) => cohort === name)).toMatchObject({
        kind: 'failed',
        error: { code, message: expect.stringMatching(message) as string },
      })
      const run = noted.find(({ cohort }) => cohort === name)!
      expect(run).toMatchObject({ snapshot: 1, members: null, error_code: code })
      // What is noted quotes nothing of patients.
      expect(run.error).not.toContain('high')
    }
    // Once it is right, its failure is forgotten.
    await fixture.define('value', HIGH)
    await fixture.run(1)
    expect(await cohortRuns(ask, 'value', 9)).toMatchObject([{ error_code: null, members: 2 }])
  })

  test('one that takes too long, or too much memory, is ended; the next one runs', async () => {
    await fixture.define(
      'endless',
      'SELECT p.subject_key AS patient_key FROM observation AS p, range(1000000) AS a(x), range(1000000) AS b(y) WHERE hash(x, y) = 1',
    )
    await fixture.define(
      'huge',
      'SELECT max(subject_key) || list(hash(x)::VARCHAR ORDER BY hash(x))::VARCHAR AS patient_key FROM observation, range(30000000) AS a(x)',
    )
    await fixture.define('later', HIGH)
    const outcomes = await fixture.run(1, {}, { limits: { seconds: 1, memoryBytes: 128 << 20, threads: 1 } })
    expect(outcomes).toMatchObject({
      endless: { kind: 'failed', error: { code: 'COHORT_TIME' } },
      huge: {
        kind: 'failed',
        error: { code: expect.stringMatching(/^(QUERY_MEMORY|QUERY_SPILL|COHORT_TIME)$/) as string },
      },
      later: { kind: 'done', members: 2 },
    })
  })

  test('a process that is stopped notes no failure', async () => {
    await fixture.define('high', HIGH)
    const signal = AbortSignal.abort()
    await expect(runCohorts({ ...fixture.deps, signal }, 1)).rejects.toMatchObject({ name: 'AbortError' })
    expect(await cohortRuns(ask, undefined, 9)).toEqual([])
    expect(await fixture.run(1)).toMatchObject({ high: { kind: 'done' } })
  })
})

test('a snapshot that is not there, or not any more, is told with those that are', async () => {
  await fixture.define('high', HIGH)
  await expect(fixture.run(7)).rejects.toMatchObject({ code: 'COHORT_NO_SNAPSHOT', hint: 'there are: 1' })
  await fixture.publish()
  await removeSnapshots(fixture.warehouse.database, fixture.warehouse.lake, [1], new Date())
  await expect(fixture.run(1)).rejects.toMatchObject({ hint: 'there are: 2' })
  expect(await cohortRuns(ask, undefined, 9)).toEqual([])
})

test('a snapshot has the sizes of the cohorts before it, and no member', async () => {
  await fixture.define('high', HIGH)
  await fixture.run(1)
  await fixture.publish()
  const reader = await SnapshotReader.open(fixture.warehouse.lake, 256 << 20)
  try {
    const asked = <T extends object>(sql: string) => reader.rows<T>(sql)
    expect(await newestCohortRuns(asked)).toMatchObject([{ cohort: 'high', snapshot: 1, members: 2, left: 0 }])
    await expect(reader.rows('FROM stoker.cohort_member')).rejects.toMatchObject({ code: 'QUERY_FAILED' })
  } finally {
    await reader.close()
  }
})

test('a definition that is taken away keeps what is kept of it', async () => {
  await fixture.define('high', HIGH)
  await fixture.run(1)
  const library = await readCohorts([])
  expect((await runCohorts(fixture.deps, 1, { library })).outcomes).toEqual([])
  expect(await newestCohortRuns(ask)).toMatchObject([{ cohort: 'high', members: 2 }])
})

import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { definitionsOf } from '../../../src/warehouse/tables/definitions.ts'
import { makePastTable, pastCommit } from '../../../src/warehouse/past/past.ts'
import { keepDeleted } from '../../../src/warehouse/tables/view.ts'
import { deletions, nameView, patient, WarehouseFixture } from '../warehouse-fixture.ts'

let warehouse: WarehouseFixture
beforeEach(async () => {
  warehouse = await WarehouseFixture.make()
})
afterEach(() => warehouse.close())

const day = (n: number) => `2026-01-${String(n).padStart(2, '0')}T00:00:00Z`
const file = (...lines: object[]) => ({ lines })
const deleted = (...urls: string[]) => ({ kind: 'deleted' as const, lines: [deletions(...urls)] })

/** Every row of the table with all of its columns, as text. */
async function present(): Promise<string[]> {
  return warehouse.database.using(async (session) =>
    (await session.rows<{ row: string }>('SELECT t::VARCHAR AS row FROM patient_name AS t ORDER BY 1')).map(
      ({ row }) => row,
    ),
  )
}

async function past(when: string): Promise<string[]> {
  return warehouse.database.using(async (session) => {
    const commit = await pastCommit(session, when)
    const views = await definitionsOf(session, commit.run, commit.asked)
    expect(views.map(({ name }) => name)).toEqual(['patient_name'])
    await makePastTable(session, warehouse.lake, views[0]!, commit)
    return (await session.rows<{ row: string }>('SELECT t::VARCHAR AS row FROM temp._past AS t ORDER BY 1')).map(
      ({ row }) => row,
    )
  })
}

/** A history with everything in it: what each run left, by its number. */
async function history(): Promise<string[][]> {
  const states: string[][] = [[]]
  const note = async () => states.push(await present())
  await warehouse.load(day(1), [file(patient('1', 'A'), patient('2', ['B', 'BB']))], ['Patient'])
  await note()
  await warehouse.load(day(2), [file(patient('1', 'A2')), file(patient('3', 'C'))])
  await note()
  await warehouse.load(day(3), [file(patient('1', 'other hospital'))], ['Patient'], 'another')
  await note()
  await warehouse.load(day(4), [deleted('Patient/2'), file(patient('1', 'A2'))])
  await note()
  await warehouse.load(day(5), [file(patient('1', 'A2'))], ['Patient'])
  await note()
  await warehouse.load(day(6), [file(patient('2', 'B again'), patient('1', 'A'))])
  await note()
  return states
}

describe.each([
  ['where deletions remove', nameView],
  ['where deletions are kept', keepDeleted(nameView)],
])('%s', (_, view) => {
  test('the tables as of every past run are what they were that day, row for row', async () => {
    warehouse.views.splice(0, 1, view)
    await warehouse.align()
    const states = await history()
    for (const [run, state] of states.entries()) if (run > 0) expect(await past(String(run))).toEqual(state)
    expect(new Set(states.map(String)).size).toBe(states.length)
  })
})

test('a later change of the view changes nothing of what was before', async () => {
  const states = await history()
  warehouse.views.splice(0, 1, {
    ...nameView,
    hash: 'h2',
    sql: (input) => nameView.sql(input).replace('n.family', "n.family || '!' AS family"),
  })
  await warehouse.align(new Date('2026-01-06T12:00:00Z'))
  // between the change of the view and the next commit: the rows of the one by the definition of the other
  expect(await past('2026-01-06T11:00:00Z')).toEqual(states[6])
  expect(await past('2026-01-06T13:00:00Z')).toEqual(await present())
  await warehouse.load(day(7), [file(patient('9', 'new'))])
  expect(await past('6')).toEqual(states[6])
  expect(await past('7')).toEqual(await present())
  expect((await past('7')).every((row) => row.includes('!'))).toBe(true)
})

describe('the moment', () => {
  beforeEach(async () => {
    await warehouse.load(day(1), [file(patient('1', 'A'))])
    await warehouse.load(day(3), [file(patient('1', 'B'))])
  })
  const runAt = async (when: string) => (await warehouse.database.using((session) => pastCommit(session, when))).run

  test('is a run, an instant, or the end of a day', async () => {
    expect(await runAt('1')).toBe(1)
    expect(await runAt('2026-01-01')).toBe(1)
    expect(await runAt('2026-01-03T00:00:00Z')).toBe(2)
    expect(await runAt('2026-01-03T00:59:59+01:00')).toBe(1)
    expect(await runAt('2030-01-01')).toBe(2)
  })

  test.each([
    ['7', 'PAST_UNKNOWN'],
    ['2025-12-31', 'PAST_UNKNOWN'],
    ['yesterday', 'USAGE_PAST'],
    ['2026-02-31x', 'USAGE_PAST'],
    ['2026-01-01T00:00', 'USAGE_PAST'],
  ])('%s is refused with a way out', async (when, code) => {
    await expect(runAt(when)).rejects.toMatchObject({ code, hint: expect.any(String) as string })
  })
})

test('a definition that was put in force while the clock was wrong follows those before it all the same', async () => {
  const longer = { ...nameView, hash: 'h2', columns: [...nameView.columns, { name: 'more', type: 'VARCHAR' }] }
  const second = {
    ...longer,
    sql: (input: Parameters<typeof nameView.sql>[0]) => `SELECT *, 'm' AS more FROM (${nameView.sql(input)})`,
  }
  warehouse.views.splice(0, 1, nameView)
  await warehouse.align(new Date(day(10)))
  await warehouse.load(day(10), [file(patient('1', 'A'))])
  warehouse.views.splice(0, 1, second)
  await warehouse.align(new Date(day(8)))
  await warehouse.load(day(11), [file(patient('2', 'B'))])
  const views = await warehouse.database.using((session) => definitionsOf(session, 2, new Date(day(12))))
  expect(views.map(({ hash }) => hash)).toEqual(['h2'])
})

test('purges since a commit are counted with it: what they took is in no past state', async () => {
  await warehouse.load(day(1), [file(patient('1', 'A'))])
  const since = () => warehouse.database.using(async (session) => (await pastCommit(session, '1')).purgesSince)
  expect(await since()).toBe(0)
  await warehouse.database.using((session) =>
    session.run(
      `INSERT INTO stoker.purge VALUES (1, 'patient', 's', NULL, false, 'done', '${day(2)}', '${day(2)}', NULL)`,
    ),
  )
  expect(await since()).toBe(1)
})

test('a raw log file that is gone is named, with the way out', async () => {
  await warehouse.load(day(1), [file(patient('1', 'A'))])
  await rm(warehouse.lake.path('raw'), { recursive: true })
  const gone = expect(past('1')).rejects
  await gone.toMatchObject({
    code: 'RAW_LOG_MISSING',
    message: expect.stringMatching(/raw\/s\/1\/\d+\.parquet$/) as string,
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { brief, DatasetLake } from './dataset-lake.ts'
import { AGE, definition } from './definitions.ts'

let lake: DatasetLake
beforeAll(async () => {
  lake = await DatasetLake.make(40)
})
afterAll(() => lake.close())

const only = async (yaml: string) => {
  const mistakes = await lake.mistakes(yaml)
  expect(mistakes).toHaveLength(1)
  // Whoever reads it learns nothing of a patient.
  expect(mistakes[0]!.problem).not.toMatch(/Patient\/|[0-9a-f]{8}-/)
  return mistakes[0]!
}

describe('a feature', () => {
  test('that was known only after the index date ends the build, with its name, the count and the nearest offence', async () => {
    const features = `
  - name: future
    sql: |
      SELECT patient_key, index_date, index_date + to_days(3 * (1 + md5_number(patient_key) % 2)::INTEGER) AS at, 1 AS value
      FROM cohort`
    const rows = (await lake.build(definition(), 'whole')).rows.written
    const { problem, wayOut, line, column, path } = await only(definition({ features }))
    expect(problem).toBe(
      `feature future: ${rows} values known only after the index date, the nearest by 3 days, the farthest by 6 days`,
    )
    expect(wayOut).toContain('<= index_date')
    expect([line, column, path]).toEqual([15, 7, 'features[0].sql'])
  })

  test('of events whose result came back later than the window ends is caught by the time it was known at', async () => {
    // Blood is drawn at the visit, and its result issued hours later: no window by the time of drawing tells.
    const events = (at: string) => `
  - name: glucose
    window: {fromDay: -365}
    take: last
    sql: |
      SELECT patient_key, effective_datetime AS time, ${at} AS at, value_quantity AS value
      FROM observation WHERE code = '2345-7' AND issued IS NOT NULL`
    const cohort = `SELECT patient_key, min(effective_datetime) AS index_date FROM observation WHERE code = '2345-7' GROUP BY 1`
    const patients = await lake.tables(`${cohort} HAVING min(effective_datetime) < min(issued)`)
    const label = `SELECT patient_key, index_date, index_date + to_days(30) AS at, true AS value FROM cohort`
    const { problem } = await only(definition({ cohort, label, features: events('issued') }))
    expect(patients.length).toBeGreaterThan(10)
    expect(problem).toMatch(
      new RegExp(`^feature glucose: ${patients.length} values known only after .* by 0\\.\\d+ days?`),
    )
    const card = await lake.build(definition({ cohort, label, features: events('effective_datetime') }), 'drawn')
    expect(card.columns.at(-1)).toMatchObject({ name: 'glucose', missing_share: 0 })
  })

  test('that lies on the index day is not after it where days are compared', async () => {
    const cohort = `SELECT DISTINCT patient_key, period_start::DATE AS index_date FROM encounter WHERE class_code = 'EMER'`
    const label = (days: number) =>
      `SELECT patient_key, index_date, index_date + to_days(${days}) AS at, true AS value FROM cohort`
    const features = `
  - name: same_day
    take: count
    sql: SELECT patient_key, period_end AS at FROM encounter
  - name: at_night
    sql: SELECT patient_key, index_date, index_date + to_hours(23) AS at, 1 AS value FROM cohort`
    await lake.build(definition({ cohort, label: label(1), features }), 'days')
    expect((await only(definition({ cohort, label: label(0), features }))).problem).toMatch(
      /^\d+ labels known by the index date already, by 0 days$/,
    )
    const rows = await lake.rows('days')
    expect(rows.every(({ same_day }) => Number(same_day) >= 1)).toBe(true)
  })

  test('without a time is refused: nobody can say whether it was known', async () => {
    const features = `
  - name: sex
    sql: |
      SELECT c.patient_key, c.index_date, NULL::DATE AS at, p.gender AS value
      FROM cohort AS c JOIN patient AS p ON p._resource_key = c.patient_key`
    expect((await only(definition({ features }))).problem).toMatch(/^feature sex: \d+ values without a time/)
    const events = `
  - name: visits
    take: count
    sql: SELECT patient_key, period_start AS time, NULL::TIMESTAMPTZ AS at FROM encounter`
    expect((await only(definition({ features: events }))).problem).toMatch(/^feature visits: \d+ values without a time/)
  })

  test('with several rows for one of the cohort is refused', async () => {
    const features = `
  - name: code
    sql: |
      SELECT c.patient_key, c.index_date, n.n AS at, 1 AS value
      FROM cohort AS c, (SELECT index_date - to_days(range::INTEGER) AS n FROM cohort, range(2) LIMIT 2) AS n
      WHERE n.n <= c.index_date`
    expect((await only(definition({ features }))).problem).toMatch(/of the cohort with more than one row$/)
  })
})

describe('a label', () => {
  test('that is known by the index date, or only after the tables end, is refused', async () => {
    const label = (at: string) => `SELECT patient_key, index_date, ${at} AS at, true AS value FROM cohort`
    const early = await only(definition({ label: label('index_date - to_days(2)') }))
    expect(early.problem).toMatch(/^\d+ labels known by the index date already, by 2 days$/)
    expect([early.line, early.path]).toEqual([7, 'label.sql'])
    expect((await only(definition({ label: label('index_date') }))).problem).toMatch(/by 0 days$/)
    const unknown = await only(definition({ label: label('$data_until + to_days(12)') }))
    expect(unknown.problem).toMatch(/^\d+ labels known only after the tables end, by 12 days$/)
    expect(unknown.wayOut).toContain('$data_until')
    // The way out works.
    const late = label('index_date + to_days(200)')
    const asked = { dataUntil: new Date('2025-06-01T00:00:00Z') }
    const cohort = `SELECT patient_key, period_start AS index_date FROM encounter WHERE class_code = 'EMER'
      AND period_start <= $data_until - to_days(200)`
    const card = await lake.build(await lake.define(definition({ cohort, label: late })), 'followed', asked)
    expect(card.data_until).toBe('2025-06-01T00:00:00.000Z')
    const rows = await lake.rows('followed')
    expect(rows.every(({ index_date }) => String(index_date) < '2024-11-14')).toBe(true)
  })
})

describe('a cohort', () => {
  test.each([
    [
      `SELECT patient_key, period_start AS index_date FROM encounter WHERE class_code = 'none'`,
      /^the cohort is empty$/,
    ],
    [`SELECT NULL::VARCHAR AS patient_key, DATE '2024-01-01' AS index_date`, /^1 row without patient_key$/],
    [`SELECT patient_key, NULL::DATE AS index_date FROM encounter LIMIT 3`, /^3 rows without a finite index_date$/],
    [`SELECT 'x' AS patient_key, 'infinity'::DATE AS index_date`, /^1 row without a finite index_date$/],
    [`SELECT 'x' AS patient_key, DATE '2024-01-01' AS index_date FROM range(5)`, /^4 rows more than there are pairs/],
  ])('is refused with the way out: %s', async (cohort, problem) => {
    const label = `SELECT patient_key, index_date, index_date + to_days(1) AS at, 1 AS value FROM cohort`
    const mistake = await only(
      definition({ cohort, label, features: AGE.replace('c.index_date::DATE', 'c.index_date') }),
    )
    expect(brief([mistake])[0]).toMatch(/^4:5 cohort.sql: /)
    expect(mistake.problem).toMatch(problem)
    expect(mistake.wayOut).not.toBe('')
  })
})

/** Definitions for tests: emergency visits, and whether one follows within so many days. */

interface Parts {
  readonly head?: string
  readonly cohort?: string
  readonly label?: string
  /** Entries of the list. */
  readonly features?: string
  readonly tail?: string
}

const COHORT = `SELECT patient_key, period_start AS index_date FROM encounter WHERE class_code = 'EMER'`
const LABEL = `SELECT c.patient_key, c.index_date, coalesce(min(e.period_start), c.index_date + to_days(180)) AS at,
      count(e.period_start) > 0 AS again
    FROM cohort AS c LEFT JOIN encounter AS e ON e.patient_key = c.patient_key AND e.class_code = 'EMER'
      AND e.period_start > c.index_date AND e.period_start <= c.index_date + to_days(180)
    GROUP BY c.patient_key, c.index_date`
export const AGE = `
  - name: age
    sql: |
      SELECT c.patient_key, c.index_date, p.birth_date AS at, date_sub('year', p.birth_date, c.index_date::DATE) AS value,
        p.birth_date AS born_on
      FROM cohort AS c JOIN patient AS p ON p._resource_key = c.patient_key`
const VISITS = `
  - name: visits
    window: {fromDay: -365, toDay: 0}
    take: [count, last]
    sql: |
      SELECT patient_key, period_start AS at, period_end AS value FROM encounter`

/** Lines of a SELECT are indented so that they stand in their block. */
export function definition({
  head = '',
  cohort = COHORT,
  label = LABEL,
  features = AGE + VISITS,
  tail = '',
}: Parts = {}): string {
  return `name: emergency
${head}cohort:
  sql: |
    ${cohort}
label:
  sql: |
    ${label}
features:${features}
${tail}`
}

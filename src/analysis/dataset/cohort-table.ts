/** The rows of a data set: a patient and an index date each, numbered. */
import { sqlName } from '../../core/sql.ts'
import { showCohort, withSelected, type Bound } from './binding.ts'
import { INDEX, KEY } from './columns.ts'
import { DatasetError } from './mistakes.ts'
import { countOf } from './offence.ts'
import type { CohortRoles } from './roles.ts'
import { SET, type Parameters, type Sandbox } from './sandbox.ts'

/** Number of a row of the cohort, from 1, in the order of keys and index dates. */
export const ROW = '_stoker_row'

export interface CohortSize {
  readonly rows: number
  readonly patients: number
}

/**
 * Makes `SET.cohort (_stoker_row, patient_key, index_date, …)`.
 * @throws DatasetError where a row has no key or no date, where two are of the same patient and date, where there is none
 */
export async function makeCohort(
  sandbox: Sandbox,
  cohort: Bound<CohortRoles>,
  parameters: Parameters,
): Promise<CohortSize> {
  const { index, others } = cohort.roles
  const further = others.map(({ name }) => `, ${sqlName(name)}`).join('')
  const { sql } = withSelected(
    `CREATE OR REPLACE TABLE ${SET}.cohort AS`,
    cohort.read,
    `SELECT row_number() OVER (ORDER BY ${KEY}, ${INDEX}) AS ${ROW}, * FROM
       (SELECT ${KEY}, ${INDEX}::${index} AS ${INDEX}${further} FROM selected) ORDER BY ${ROW}`,
  )
  await sandbox.perform(sql, cohort.read, parameters)
  await showCohort(sandbox, cohort.roles)
  const found = (await sandbox.session.first<
    CohortSize & { keyless: number; timeless: number; endless: number; pairs: number }
  >(
    `SELECT count(*) AS rows, count(DISTINCT ${KEY}) AS patients, count(*) - count(${KEY}) AS keyless,
       count(*) - count(${INDEX}) AS timeless, count_if(NOT isfinite(${INDEX})) AS endless,
       (SELECT count(*) FROM (SELECT DISTINCT ${KEY}, ${INDEX} FROM ${SET}.cohort)) AS pairs FROM ${SET}.cohort`,
  ))!
  const { rows, patients, keyless, timeless, endless, pairs } = found
  const refuse = (problem: string, wayOut: string): never => {
    const place = cohort.read.select.place()
    throw new DatasetError(place.file, [{ ...place, path: 'cohort.sql', problem, wayOut }])
  }
  if (rows === 0)
    refuse('the cohort is empty', 'Look at its conditions: stoker query --living runs the SELECT over the same tables.')
  if (keyless > 0) refuse(`${countOf(keyless, 'row')} without ${KEY}`, `Leave them out: WHERE ${KEY} IS NOT NULL.`)
  if (timeless + endless > 0) {
    refuse(`${countOf(timeless + endless, 'row')} without a finite ${INDEX}`, 'Leave them out: WHERE … IS NOT NULL.')
  }
  if (pairs < rows) {
    const wayOut = 'Give each patient and index date once: SELECT DISTINCT, or an instant instead of a day.'
    refuse(`${countOf(rows - pairs, 'row')} more than there are pairs of ${KEY} and ${INDEX}`, wayOut)
  }
  return { rows, patients }
}

/** Takes rows without a label out, and numbers the others anew; the label's rows go along. @returns how many went */
export async function keepLabelled({ session }: Sandbox): Promise<number> {
  const before = (await session.first<{ rows: number }>(`SELECT count(*) AS rows FROM ${SET}.cohort`))!.rows
  await session.run(`
    CREATE TABLE ${SET}.labelled AS SELECT row_number() OVER (ORDER BY ${ROW}) AS new_row, ${ROW} FROM ${SET}.label
      ORDER BY ${ROW};
    CREATE OR REPLACE TABLE ${SET}.cohort AS SELECT n.new_row AS ${ROW}, c.* EXCLUDE (${ROW})
      FROM ${SET}.cohort AS c JOIN ${SET}.labelled AS n USING (${ROW}) ORDER BY new_row;
    CREATE OR REPLACE TABLE ${SET}.label AS SELECT n.new_row AS ${ROW}, l.* EXCLUDE (${ROW})
      FROM ${SET}.label AS l JOIN ${SET}.labelled AS n USING (${ROW}) ORDER BY new_row;
    DROP TABLE ${SET}.labelled`)
  return before - (await session.first<{ rows: number }>(`SELECT count(*) AS rows FROM ${SET}.cohort`))!.rows
}

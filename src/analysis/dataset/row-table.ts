/** A table with the label, or with a feature, of each row of the cohort: as its SELECT gives it. */
import { sqlName } from '../../core/sql.ts'
import { withSelected, type Bound } from './binding.ts'
import { ROW } from './cohort-table.ts'
import { AT, daysAfter, INDEX, KEY, liesAfter, timeSql, valueSql } from './columns.ts'
import { refuseDoubles, refuseTimeless, type Offence } from './offence.ts'
import type { RowRoles } from './roles.ts'
import { SET, type Parameters, type Sandbox } from './sandbox.ts'

/** When the values of the row were known. */
export const KNOWN_AT = '_stoker_at'

export interface RowTable {
  /** Without the schema. */
  readonly name: string
  readonly what: string
  readonly bound: Bound<RowRoles>
}

/**
 * Makes `SET.NAME (_stoker_row, _stoker_at, values…)` of the rows that the cohort has, each once, those without a value left out.
 * @throws DatasetError where a row of the cohort has several, or a value has no time
 */
export async function makeRows(sandbox: Sandbox, { name, what, bound }: RowTable, parameters: Parameters) {
  const { roles, read } = bound
  const index = timeSql(INDEX, roles.index, 's')
  const values = roles.outputs.map(({ from, column }) => `${valueSql(from, 's')} AS ${sqlName(column.name)}`)
  const hasValue = roles.outputs.map(({ from }) => `s.${sqlName(from.name)} IS NOT NULL`).join(' OR ')
  const { sql } = withSelected(
    `CREATE OR REPLACE TABLE ${SET}.${sqlName(name)} AS`,
    read,
    `SELECT c.${ROW}, ${timeSql(AT, roles.at, 's').sql} AS ${KNOWN_AT}, ${values.join(', ')}
     FROM selected AS s JOIN ${SET}.cohort AS c ON s.${KEY} = c.${KEY} AND ${index.sql} = c.${INDEX}
     WHERE ${hasValue} ORDER BY c.${ROW}`,
  )
  await sandbox.perform(sql, read, parameters)
  const found = (await sandbox.session.first<{ doubles: number; timeless: number }>(
    `SELECT (SELECT count(*) FROM (FROM ${SET}.${sqlName(name)} SELECT ${ROW} GROUP BY ${ROW} HAVING count(*) > 1)) AS doubles,
       count(*) - count(${KNOWN_AT}) AS timeless FROM ${SET}.${sqlName(name)}`,
  ))!
  if (found.doubles > 0) refuseDoubles(read.select, what, found.doubles)
  if (found.timeless > 0) refuseTimeless(read.select, what, found.timeless)
}

/** What of the table lies after the index date or, with `before`, does not. */
export async function offenceOf(
  { session }: Sandbox,
  { name, bound }: RowTable,
  side: 'after' | 'not after',
): Promise<Offence> {
  const at = timeSql(KNOWN_AT, bound.roles.at, 't')
  const index = timeSql(INDEX, bound.roles.index, 'c')
  const isWrong = side === 'after' ? liesAfter(at, index) : `NOT (${liesAfter(at, index)})`
  const distance = side === 'after' ? daysAfter(at, index) : daysAfter(index, at)
  return (await session.first<Offence>(
    `SELECT count(*) AS values, min(${distance}) AS nearest, max(${distance}) AS farthest
     FROM ${SET}.${sqlName(name)} AS t JOIN ${SET}.cohort AS c USING (${ROW}) WHERE ${isWrong}`,
  ))!
}

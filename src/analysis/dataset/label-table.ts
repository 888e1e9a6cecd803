/** The label of each row of the cohort: known after the index date, and not after the tables end. */
import { sqlText } from '../../core/sql.ts'
import type { BoundDataset } from './binding.ts'
import { ROW } from './cohort-table.ts'
import { daysAfter, KEY, liesAfter, timeSql, type TimeSql } from './columns.ts'
import type { DataUntil } from './origin.ts'
import { refuseEarlyLabel, refuseUnknownLabel, type Offence } from './offence.ts'
import { KNOWN_AT, makeRows, offenceOf } from './row-table.ts'
import { SET, type Parameters, type Sandbox } from './sandbox.ts'
import { LABEL_TABLE } from './wide-table.ts'

export async function makeLabel(
  sandbox: Sandbox,
  { label }: BoundDataset,
  parameters: Parameters,
  until: DataUntil,
): Promise<void> {
  const table = { name: LABEL_TABLE, what: 'label', bound: label }
  await makeRows(sandbox, table, parameters)
  const early = await offenceOf(sandbox, table, 'not after')
  if (early.values > 0) refuseEarlyLabel(label.read.select, early)
  const unknown = await unknownOf(sandbox, timeSql(KNOWN_AT, label.roles.at, 't'), until)
  if (unknown.values > 0) refuseUnknownLabel(label.read.select, unknown)
}

/** A patient's key begins with the source. */
async function unknownOf({ session }: Sandbox, at: TimeSql, { sources, otherwise }: DataUntil): Promise<Offence> {
  const cases = [...sources].map(([source, time]) => `WHEN ${sqlText(source)} THEN ${instant(time)}`)
  const sql =
    cases.length === 0
      ? instant(otherwise)
      : `CASE split_part(c.${KEY}, '/', 1) ${cases.join(' ')} ELSE ${instant(otherwise)} END`
  const end: TimeSql = { sql: `(${sql})`, type: 'TIMESTAMPTZ' }
  return (await session.first<Offence>(
    `SELECT count(*) AS values, min(${daysAfter(at, end)}) AS nearest, max(${daysAfter(at, end)}) AS farthest
     FROM ${SET}.${LABEL_TABLE} AS t JOIN ${SET}.cohort AS c USING (${ROW}) WHERE ${liesAfter(at, end)}`,
  ))!
}

function instant(time: Date): string {
  return `${sqlText(time.toISOString())}::TIMESTAMPTZ`
}

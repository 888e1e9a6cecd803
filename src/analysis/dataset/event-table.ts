/** A table with a feature of each row of the cohort that had events in its window, taken together. */
import { sqlName } from '../../core/sql.ts'
import { withSelected, type Bound } from './binding.ts'
import { ROW } from './cohort-table.ts'
import {
  AT,
  daysAfter,
  INDEX,
  KEY,
  liesAfter,
  TIME,
  timeSql,
  valueSql,
  withinWindow,
  type TimeType,
} from './columns.ts'
import type { FeatureDefinition } from './definition.ts'
import { refuseLeak, refuseTimeless, type Offence } from './offence.ts'
import type { EventOutput, EventRoles } from './roles.ts'
import { SET, type Parameters, type Sandbox } from './sandbox.ts'

export interface EventTable {
  /** Without the schema. */
  readonly name: string
  readonly feature: FeatureDefinition
  readonly bound: Bound<EventRoles>
  readonly cohortIndex: TimeType
}

/** Notes beside the values, of each row. */
const NOTES = {
  leaks: '_stoker_leaks',
  nearest: '_stoker_nearest',
  farthest: '_stoker_farthest',
  timeless: '_stoker_timeless',
}

/**
 * Makes `SET.NAME (_stoker_row, values…)`. Events outside of the window count for nothing; one within it whose values
 * became known later is a leak: a specimen of the day before, say, with a result of the day after.
 * @returns how many events lay in windows
 * @throws DatasetError where one of them was known after the index date, or nobody says when
 */
export async function makeEvents(sandbox: Sandbox, table: EventTable, parameters: Parameters): Promise<number> {
  const { name, feature, bound, cohortIndex } = table
  const { roles, read } = bound
  const at = timeSql(AT, roles.at, 's')
  const time = roles.time === undefined ? at : timeSql(TIME, roles.time, 's')
  const index = timeSql(INDEX, cohortIndex, 'c')
  const { fromDay, toDay } = feature.window ?? { fromDay: undefined, toDay: 0 }
  const leak = liesAfter(at, index)
  const values = roles.outputs.map((output) => `${takenSql(output, time.sql)} AS ${sqlName(output.column.name)}`)
  const notes = [
    'count(*) AS _stoker_events',
    `count_if(${leak}) AS ${NOTES.leaks}`,
    `min(${daysAfter(at, index)}) FILTER (${leak}) AS ${NOTES.nearest}`,
    `max(${daysAfter(at, index)}) FILTER (${leak}) AS ${NOTES.farthest}`,
    `count(*) - count(${at.sql}) AS ${NOTES.timeless}`,
  ]
  const { sql } = withSelected(
    `CREATE OR REPLACE TABLE ${SET}.${sqlName(name)} AS`,
    read,
    `SELECT c.${ROW}, ${[...values, ...notes].join(', ')}
     FROM selected AS s JOIN ${SET}.cohort AS c ON s.${KEY} = c.${KEY} AND ${withinWindow(time, index, fromDay, toDay)}
     GROUP BY c.${ROW}`,
  )
  await sandbox.perform(sql, read, parameters)
  const found = (await sandbox.session.first<Offence & { timeless: number | null; events: number | null }>(
    `SELECT coalesce(sum(${NOTES.leaks}), 0)::BIGINT AS values, min(${NOTES.nearest}) AS nearest,
       max(${NOTES.farthest}) AS farthest, sum(${NOTES.timeless})::BIGINT AS timeless, sum(_stoker_events)::BIGINT AS events
     FROM ${SET}.${sqlName(name)}`,
  ))!
  if (found.values > 0) refuseLeak(feature, found)
  if ((found.timeless ?? 0) > 0) refuseTimeless(feature, `feature ${feature.name}`, found.timeless!)
  return found.events ?? 0
}

/** Of events at the same time the larger value is the last, and the smaller the first: so it is the same every time. */
function takenSql({ take, from, column }: EventOutput, time: string): string {
  const value = from === undefined ? undefined : valueSql(from, 's')
  const isThere = value === undefined ? 'true' : `${value} IS NOT NULL`
  switch (take) {
    case 'count':
      return `count_if(${isThere})::BIGINT`
    case 'exists':
      return `coalesce(bool_or(${isThere}), false)`
    case 'last':
      return `arg_max(${value}, {t: ${time}, v: ${value}}) FILTER (${isThere})`
    case 'first':
      return `arg_min(${value}, {t: ${time}, v: ${value}}) FILTER (${isThere})`
    case 'mean':
      return `avg(${value}::DOUBLE) FILTER (${isThere})`
    case 'sum':
      return `sum(${value})::${column.type}`
    case 'min':
    case 'max':
      return `${take}(${value})`
  }
}

/** What stands for a row of the cohort without events. */
export function nothingSql({ take }: EventOutput): string | undefined {
  if (take === 'count') return '0'
  return take === 'exists' ? 'false' : undefined
}

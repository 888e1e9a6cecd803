/** What the columns of a definition's SELECTs are for, and whether those that must be there are. */
import {
  AT,
  INDEX,
  KEY,
  TIME,
  timeType,
  valueType,
  type DatasetColumn,
  type FoundColumn,
  type TimeType,
  type ValueColumn,
  type ValueType,
} from './columns.ts'
import type { DatasetSelect, FeatureDefinition, Take } from './definition.ts'

export interface CohortRoles {
  readonly index: TimeType
  /** Further columns, for the other SELECTS to use. */
  readonly others: readonly FoundColumn[]
}

/** One row for each row of the cohort that it has something of. */
export interface RowRoles {
  readonly kind: 'rows'
  readonly index: TimeType
  readonly at: TimeType
  readonly outputs: readonly RowOutput[]
}

export interface RowOutput {
  readonly from: ValueColumn
  readonly column: DatasetColumn
}

/** Any number of events for a patient. */
export interface EventRoles {
  readonly kind: 'events'
  readonly at: TimeType
  /** Undefined: events are at the time they were known at. */
  readonly time: TimeType | undefined
  readonly outputs: readonly EventOutput[]
}

export interface EventOutput {
  readonly take: Take
  /** Undefined: events are counted, whatever they hold. */
  readonly from: ValueColumn | undefined
  readonly column: DatasetColumn
}

/** Takes note of a problem and its way out. */
type Say = (problem: string, wayOut: string) => void

const NAME = /^[a-z][a-z0-9_]{0,62}$/

export function cohortRoles(found: readonly FoundColumn[], say: Say): CohortRoles | undefined {
  const key = keyOf(found, say)
  const index = timeOf(found, INDEX, 'the day or instant at which the forecast is made', say)
  if (!key || index === undefined) return undefined
  return { index, others: found.filter(({ name }) => name !== KEY && name !== INDEX) }
}

export function labelRoles(select: DatasetSelect, found: readonly FoundColumn[], say: Say): RowRoles | undefined {
  const roles = rowRoles(found, say)
  const values = valuesOf(found, [KEY, INDEX, AT], say)
  if (roles === undefined || values === undefined) return undefined
  if (values.length === 0) say('gives no label', 'Select it beside patient_key, index_date and at: … AS label.')
  const outputs = values.map((from) => {
    const name = from.name === 'value' ? 'label' : from.name
    return { from, column: { name, type: from.type, role: 'label' as const, description: select.description } }
  })
  return { kind: 'rows', ...roles, outputs }
}

export function featureRoles(
  feature: FeatureDefinition,
  found: readonly FoundColumn[],
  say: Say,
): RowRoles | EventRoles | undefined {
  if (found.some(({ name }) => name === INDEX)) {
    if (feature.take.length > 0 || feature.window !== undefined) {
      say(
        'its rows have an index_date already, so that take and window have nothing to do',
        'Leave these two out, or select events without index_date.',
      )
    }
    const roles = rowRoles(found, say)
    const values = valuesOf(found, [KEY, INDEX, AT], say)
    if (roles === undefined || values === undefined) return undefined
    if (values.length === 0) say('gives no value', 'Select one beside patient_key, index_date and at.')
    const outputs = values.map((from) => ({ from, column: columnOf(feature, from.name, from.type) }))
    return { kind: 'rows', ...roles, outputs }
  }
  const key = keyOf(found, say)
  const at = timeOf(found, AT, KNOWN, say)
  const time = found.some(({ name }) => name === TIME) ? timeOf(found, TIME, 'when the event was', say) : undefined
  const values = valuesOf(found, [KEY, AT, TIME], say)
  if (feature.take.length === 0) {
    say(
      'says not how its events become one value',
      'Add take: last, first, min, max, mean, sum, count or exists; or select index_date, with one row for each of the cohort.',
    )
  }
  if (!key || at === undefined || values === undefined) return undefined
  return { kind: 'events', at, time, outputs: eventOutputs(feature, values, say) }
}

const KNOWN = 'when the values were known'

function rowRoles(found: readonly FoundColumn[], say: Say): { index: TimeType; at: TimeType } | undefined {
  const key = keyOf(found, say)
  const index = timeOf(found, INDEX, 'that of the row of the cohort', say)
  const at = timeOf(found, AT, KNOWN, say)
  return key && index !== undefined && at !== undefined ? { index, at } : undefined
}

function eventOutputs(feature: FeatureDefinition, values: readonly ValueColumn[], say: Say): EventOutput[] {
  const several = feature.take.length > 1
  const counted = values.length === 0 ? [undefined] : values
  return counted.flatMap((from) =>
    feature.take.flatMap((take) => {
      const type = takenType(take, from?.type)
      if (type === undefined) {
        const what = from === undefined ? 'its events have no value' : `${from.name} is ${from.type}`
        say(
          `${what}, of which there is no ${take}`,
          'Select a value of a fitting type, or take count, exists, last, first, min or max.',
        )
        return []
      }
      const suffix = several ? `_${take}` : ''
      return [{ take, from, column: columnOf(feature, `${from?.name ?? 'value'}`, type, suffix) }]
    }),
  )
}

function takenType(take: Take, of: ValueType | undefined): ValueType | undefined {
  const isNumber = of === 'BIGINT' || of === 'DOUBLE'
  switch (take) {
    case 'count':
      return 'BIGINT'
    case 'exists':
      return 'BOOLEAN'
    case 'mean':
      return isNumber ? 'DOUBLE' : undefined
    case 'sum':
      return isNumber ? of : undefined
    case 'last':
    case 'first':
    case 'min':
    case 'max':
      return of
  }
}

/** A column named `value` has the feature's name in the data set, any other its own. */
function columnOf(feature: FeatureDefinition, from: string, type: ValueType, suffix = ''): DatasetColumn {
  const name = `${from === 'value' ? feature.name : from}${suffix}`
  return { name, type, role: 'feature', feature: feature.name, description: feature.description }
}

function keyOf(found: readonly FoundColumn[], say: Say): boolean {
  const column = found.find(({ name }) => name === KEY)
  if (column === undefined) say(`gives no column ${KEY}`, missingWords(KEY, 'the key of the patient'))
  else if (column.type !== 'VARCHAR') say(`${KEY} is ${column.type}`, 'Give the key as the tables have it, a text.')
  return column?.type === 'VARCHAR'
}

function timeOf(found: readonly FoundColumn[], wanted: string, meaning: string, say: Say): TimeType | undefined {
  const column = found.find(({ name }) => name === wanted)
  if (column === undefined) {
    say(`gives no column ${wanted}`, missingWords(wanted, meaning))
    return undefined
  }
  const type = timeType(column)
  if (type === undefined) say(`${wanted} is ${column.type}`, 'Give a DATE or a TIMESTAMP: CAST(… AS DATE).')
  return type
}

function missingWords(name: string, meaning: string): string {
  return `Select it: … AS ${name}, ${meaning}.`
}

/** Those that are for none of the roles. */
function valuesOf(found: readonly FoundColumn[], roles: readonly string[], say: Say): ValueColumn[] | undefined {
  const values: ValueColumn[] = []
  let isWhole = true
  const wrong = (problem: string, wayOut: string) => {
    say(problem, wayOut)
    isWhole = false
  }
  for (const column of found.filter(({ name }) => !roles.includes(name))) {
    const type = valueType(column)
    if (!NAME.test(column.name)) {
      wrong(
        'gives a column whose name is no name',
        'Name it in small letters, digits and _, beginning with a letter: … AS name.',
      )
    } else if (type === undefined) {
      wrong(`${column.name} is ${column.type}`, 'Give a number, a text, true or false, a date or a time.')
    } else values.push({ name: column.name, type })
  }
  return isWhole ? values : undefined
}

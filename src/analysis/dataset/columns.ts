/** What a SELECT of a definition gives: keys, times and values, of the few types that a data set has. */
import { sqlName } from '../../core/sql.ts'

/** Days, or instants: other types of time are read as instants, UTC. */
export type TimeType = 'DATE' | 'TIMESTAMPTZ'
/** What every reader of Parquet and Arrow knows. */
export type ValueType = 'BOOLEAN' | 'BIGINT' | 'DOUBLE' | 'DATE' | 'TIMESTAMP' | 'TIMESTAMPTZ' | 'VARCHAR'

/** As DuckDB describes it. */
export interface FoundColumn {
  readonly name: string
  readonly type: string
}

export interface ValueColumn {
  readonly name: string
  readonly type: ValueType
}

/** A column of the data set. */
export interface DatasetColumn extends ValueColumn {
  readonly role: 'key' | 'index' | 'label' | 'feature'
  /** Of the feature it belongs to. */
  readonly feature?: string
  readonly description?: string | undefined
}

export const KEY = 'patient_key'
export const INDEX = 'index_date'
/** When a value was known. */
export const AT = 'at'
/** When an event was; where it is not given, `at`. */
export const TIME = 'time'

/** Undefined: no time. */
export function timeType({ type }: FoundColumn): TimeType | undefined {
  if (type === 'DATE') return 'DATE'
  return /^TIMESTAMP/.test(type) ? 'TIMESTAMPTZ' : undefined
}

/** Undefined: a data set has no such values. */
export function valueType({ type }: FoundColumn): ValueType | undefined {
  if (/^(TINYINT|SMALLINT|INTEGER|BIGINT|UTINYINT|USMALLINT|UINTEGER)$/.test(type)) return 'BIGINT'
  if (/^(HUGEINT|UHUGEINT|UBIGINT|FLOAT|DOUBLE|DECIMAL\(.*\))$/.test(type)) return 'DOUBLE'
  if (/^(VARCHAR|UUID|ENUM\(.*\))$/.test(type)) return 'VARCHAR'
  if (/^TIMESTAMP(_S|_MS|_NS)?$/.test(type)) return 'TIMESTAMP'
  if (type === 'TIMESTAMP WITH TIME ZONE') return 'TIMESTAMPTZ'
  return type === 'BOOLEAN' || type === 'DATE' ? type : undefined
}

/** The column of a relation, as a data set has it. */
export function valueSql({ name, type }: ValueColumn, relation: string): string {
  return `${relation}.${sqlName(name)}::${type}`
}

/** A time as SQL text, with what is known of it. */
export interface TimeSql {
  readonly sql: string
  readonly type: TimeType
}

export function timeSql(name: string, type: TimeType, relation: string): TimeSql {
  return { sql: `${relation}.${sqlName(name)}::${type}`, type }
}

/** Where one of the two is a day, days are compared: on the index day itself nothing lies after it. */
export function liesAfter(a: TimeSql, b: TimeSql): string {
  const day = a.type === 'DATE' || b.type === 'DATE' ? '::DATE' : ''
  return `${a.sql}${day} > ${b.sql}${day}`
}

/** Days from `b` to `a`, with parts of a day between instants. NULL where one is infinite. */
export function daysAfter(a: TimeSql, b: TimeSql): string {
  if (a.type === 'DATE' || b.type === 'DATE') return `date_diff('day', ${b.sql}::DATE, ${a.sql}::DATE)::DOUBLE`
  return `(epoch_us(${a.sql}) - epoch_us(${b.sql})) / 86400e6`
}

/** The window's condition on an event's time: days of the calendar, or spans of 24 hours before an instant. */
export function withinWindow(time: TimeSql, index: TimeSql, fromDay: number | undefined, toDay: number): string {
  const isDays = time.type === 'DATE' || index.type === 'DATE'
  const event = isDays ? `${time.sql}::DATE` : time.sql
  const bound = (day: number) => (isDays ? `${index.sql}::DATE + (${day})` : `${index.sql} + to_days(${day})`)
  const upTo = `${event} <= ${bound(toDay)}`
  return fromDay === undefined ? upTo : `${event} >= ${bound(fromDay)} AND ${upTo}`
}

/** Values to column types. Lenient everywhere: what does not fit is NULL, and no value stops a query. */
import type { ColumnType } from '../plan/column-type.ts'
import { columnTypeName } from './column-type.ts'
import { once } from './once.ts'

/** `from`: a FHIR type, or `double` for a decimal that is a DOUBLE already. */
export function convertSql(sql: string, isNone: boolean, from: string, to: ColumnType): string {
  const name = columnTypeName(to)
  if (isNone) return `CAST(NULL AS ${name})`
  switch (to.base) {
    case 'text':
      if (from === 'decimal')
        return once(sql, (value) => `CASE WHEN TRY_CAST(${value} AS DOUBLE) IS NOT NULL THEN ${value} END`)
      return isText(from) ? sql : `CAST(${sql} AS VARCHAR)`
    case 'boolean':
      return from === 'boolean' ? sql : `TRY_CAST(${sql} AS BOOLEAN)`
    case 'double':
      return from === 'double' ? sql : `TRY_CAST(${sql} AS DOUBLE)`
    case 'date':
      return dateSql(sql)
    case 'timestamp':
      return `${instantSql(sql)} AT TIME ZONE 'UTC'`
    case 'instant':
      return instantSql(sql)
    case 'binary':
      return `TRY(from_base64(${sql}))`
    case 'integer':
    case 'long':
    case 'decimal':
    case 'time':
      return `TRY_CAST(${sql} AS ${name})`
  }
}

/**
 * A partial date is its first day; of a dateTime, the date as it is written. What has not the shape of a date is none:
 * DuckDB reads more than that as one ('infinity', 'epoch').
 */
function dateSql(sql: string): string {
  return once(
    sql,
    (text) =>
      `TRY_CAST(CASE WHEN ${text} LIKE '____-__-__%' THEN ${text}[:10] WHEN ${text} LIKE '____-__' THEN ${text} || '-01' ` +
      `WHEN ${text} LIKE '____' THEN ${text} || '-01-01' END AS DATE)`,
  )
}

/**
 * A partial dateTime is its first instant in UTC, whatever the session's time zone (which decides only where a time
 * stands without an offset, against FHIR's rule).
 */
export function instantSql(sql: string): string {
  return once(
    sql,
    (text) =>
      `TRY_CAST(CASE WHEN ${text} LIKE '____-__-__T__:__:__' THEN ${text} || 'Z' WHEN ${text} LIKE '____-__-__T%' THEN ${text} ` +
      `WHEN ${text} LIKE '____-__-__' THEN ${text} || 'T00:00:00Z' WHEN ${text} LIKE '____-__' THEN ${text} || '-01T00:00:00Z' ` +
      `WHEN ${text} LIKE '____' THEN ${text} || '-01-01T00:00:00Z' END AS TIMESTAMPTZ)`,
  )
}

function isText(from: string): boolean {
  return !['boolean', 'integer', 'positiveInt', 'unsignedInt', 'integer64', 'double'].includes(from)
}

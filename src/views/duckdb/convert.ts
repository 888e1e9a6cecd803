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
      // FHIR lets blanks and line ends stand in it; DuckDB does not.
      return `TRY(from_base64(regexp_replace(${sql}, '\\s', '', 'g')))`
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
  return once(sql, (text) => {
    const shaped = (pattern: string, rest: string) => `CASE WHEN ${text} LIKE '${pattern}' THEN ${text}${rest} END`
    // The length in bytes costs nothing; it spares most values all patterns but one.
    return (
      `TRY_CAST(CASE strlen(${text}) WHEN 4 THEN ${shaped('____', " || '-01-01T00:00:00Z'")} ` +
      `WHEN 7 THEN ${shaped('____-__', " || '-01T00:00:00Z'")} WHEN 10 THEN ${shaped('____-__-__', " || 'T00:00:00Z'")} ` +
      `WHEN 19 THEN ${shaped('____-__-__T__:__:__', " || 'Z'")} ELSE ${shaped('____-__-__T%', '')} END AS TIMESTAMPTZ)`
    )
  })
}

function isText(from: string): boolean {
  return !['boolean', 'integer', 'positiveInt', 'unsignedInt', 'integer64', 'double'].includes(from)
}

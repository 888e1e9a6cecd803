/** Values of DuckDB as JSON has them. */
import {
  DuckDBListType,
  DuckDBArrayType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  JsonDuckDBValueConverter,
  type DuckDBResult,
  type DuckDBType,
  type DuckDBValueConverter,
  type Json,
} from '@duckdb/node-api'
import { StokerError } from '../../core/errors.ts'

/** Chunk by chunk. DECIMAL and what no number of JavaScript holds is text, NaN too; instants are ISO 8601. */
export function plainRows(result: DuckDBResult): AsyncIterable<Json[][]> {
  mustBeNamed(result)
  return result.yieldConvertedRows(converter) as AsyncIterable<Json[][]>
}

/** Of two columns of one name the second is `name_1`, as DuckDB has them in Parquet: names differ by more than capitals. */
export function columnNames(result: DuckDBResult): string[] {
  const taken = new Set<string>()
  return result.columnNames().map((name) => {
    let own = name
    for (let n = 1; taken.has(own.toLowerCase()); n += 1) own = `${name}_${n}`
    taken.add(own.toLowerCase())
    return own
  })
}

/** What a person or a program that knows only text reads; nothing for NULL. */
export function plainText(value: Json): string {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** @throws StokerError QUERY_UNNAMED for `row(1, 2)`: of fields of one name, all but the last would be lost */
export function mustBeNamed(result: DuckDBResult): void {
  result.columnTypes().forEach((type, i) => {
    if (isNamed(type)) return
    throw new StokerError('QUERY_UNNAMED', `the fields of column ${result.columnName(i)} have no names of their own`, {
      hint: "name them: {'first': 1, 'second': 2} in place of row(1, 2)",
    })
  })
}

function isNamed(type: DuckDBType): boolean {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) return isNamed(type.valueType)
  if (type instanceof DuckDBMapType) return isNamed(type.keyType) && isNamed(type.valueType)
  if (!(type instanceof DuckDBStructType)) return true
  return new Set(type.entryNames).size === type.entryNames.length && type.entryTypes.every(isNamed)
}

/** `2026-01-01 10:00:00+00` → `2026-01-01T10:00:00Z` */
function isoInstant(text: string): string {
  return text.replace(' ', 'T').replace(/\+00$/, 'Z')
}

/** DuckDB's own, save that a BIGINT is a number where a number holds it (nobody expects a count in quotes), an instant ISO 8601. */
const converter: DuckDBValueConverter<Json> = (value, type, nested) => {
  if (typeof value === 'bigint' && value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER)
    return Number(value)
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return isoInstant(String(value))
  return JsonDuckDBValueConverter(value, type, nested)
}

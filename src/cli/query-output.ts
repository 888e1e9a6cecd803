/** A query's answer as a table, JSON, CSV or an Arrow stream, chunk by chunk. */
import {
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTypeId,
  JsonDuckDBValueConverter,
  type DuckDBResult,
  type DuckDBValueConverter,
  type Json,
} from '@duckdb/node-api'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { writeArrow } from './arrow-output.ts'
import { countText, plural } from '../core/figures.ts'
import { textTable } from './text-table.ts'

export const FORMATS = ['table', 'json', 'csv', 'arrow'] as const
export type Format = (typeof FORMATS)[number]

export async function writeResult(result: DuckDBResult, format: Format, out: Writable): Promise<void> {
  switch (format) {
    case 'table':
      return writeTable(result, out)
    case 'json':
      return writeJson(result, out)
    case 'csv':
      return writeCsv(result, out)
    case 'arrow':
      return writeArrow(result, out)
  }
}

/** `2026-01-01 10:00:00+00` → `2026-01-01T10:00:00Z` */
function isoInstant(text: string): string {
  return text.replace(' ', 'T').replace(/\+00$/, 'Z')
}

const NUMERIC: ReadonlySet<DuckDBTypeId> = new Set([
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.FLOAT,
  DuckDBTypeId.DOUBLE,
  DuckDBTypeId.DECIMAL,
])

/** More than a person reads; the rest is counted. */
const TABLE_ROWS_MAX = 1000

async function writeTable(result: DuckDBResult, out: Writable): Promise<void> {
  const shown: string[][] = []
  const columns = result
    .columnTypes()
    .map((type, i) => ({
      head: result.columnName(i),
      align: NUMERIC.has(type.typeId) ? ('right' as const) : ('left' as const),
    }))
  let rows = 0
  for await (const chunk of jsonRows(result)) {
    for (const row of chunk) if (rows++ < TABLE_ROWS_MAX) shown.push(row.map(cellText))
  }
  await write(out, `${textTable(columns, shown)}${plural(rows, 'row')}\n`)
  if (rows > TABLE_ROWS_MAX)
    await write(out, `(the first ${countText(TABLE_ROWS_MAX)} are shown; --format csv or json writes all)\n`)
}

async function writeJson(result: DuckDBResult, out: Writable): Promise<void> {
  // Of two columns of one name, an object would keep one.
  const names = result.deduplicatedColumnNames()
  let before = '[\n'
  for await (const chunk of jsonRows(result)) {
    for (const row of chunk) {
      await write(out, `${before}${JSON.stringify(Object.fromEntries(names.map((name, i) => [name, row[i] ?? null])))}`)
      before = ',\n'
    }
  }
  await write(out, before === '[\n' ? '[]\n' : '\n]\n')
}

/** RFC 4180: lines end in CRLF; NULL is the empty field, as an empty text is. */
async function writeCsv(result: DuckDBResult, out: Writable): Promise<void> {
  await write(out, `${result.columnNames().map(csvField).join(',')}\r\n`)
  for await (const chunk of jsonRows(result)) {
    await write(
      out,
      chunk
        .map((row) => `${row.map((value) => (value === null ? '' : csvField(cellText(value)))).join(',')}\r\n`)
        .join(''),
    )
  }
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

function cellText(value: Json): string {
  if (value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

function jsonRows(result: DuckDBResult): AsyncIterable<Json[][]> {
  return result.yieldConvertedRows(converter) as AsyncIterable<Json[][]>
}

/** DuckDB's own, save that a BIGINT is a number where a number holds it (nobody expects a count in quotes), an instant ISO 8601. */
const converter: DuckDBValueConverter<Json> = (value, type, nested) => {
  if (typeof value === 'bigint' && value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER)
    return Number(value)
  if (value instanceof DuckDBTimestampTZValue || value instanceof DuckDBTimestampValue) return isoInstant(String(value))
  return JsonDuckDBValueConverter(value, type, nested)
}

async function write(out: Writable, text: string): Promise<void> {
  if (!out.write(text)) await once(out, 'drain')
}

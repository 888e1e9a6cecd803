/** A query's answer on a terminal: as a table, or streamed as JSON, CSV or Arrow. */
import { DuckDBTypeId, type DuckDBResult } from '@duckdb/node-api'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { streamAnswer, type AnswerSize, type StreamFormat } from '../analysis/query/answer.ts'
import { tooManyRows } from '../analysis/query/answer-meter.ts'
import { plainRows, plainText } from '../analysis/query/plain-value.ts'
import type { AnswerLimits } from '../analysis/query/query-request.ts'
import { countText, plural } from '../core/figures.ts'
import { textTable } from './text-table.ts'

export type Format = 'table' | StreamFormat

export async function writeResult(
  result: DuckDBResult,
  format: Format,
  out: Writable,
  limits?: AnswerLimits,
): Promise<AnswerSize | undefined> {
  if (format !== 'table') return streamAnswer(result, format, out, limits)
  await writeTable(result, out, limits?.rows ?? Infinity)
  return undefined
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

async function writeTable(result: DuckDBResult, out: Writable, rowsMax: number): Promise<void> {
  const shown: string[][] = []
  const columns = result
    .columnTypes()
    .map((type, i) => ({
      head: result.columnName(i),
      align: NUMERIC.has(type.typeId) ? ('right' as const) : ('left' as const),
    }))
  let rows = 0
  for await (const chunk of plainRows(result)) {
    for (const row of chunk) if (rows++ < TABLE_ROWS_MAX) shown.push(row.map(plainText))
    if (rows > rowsMax) throw tooManyRows(rowsMax)
  }
  await write(out, `${textTable(columns, shown)}${plural(rows, 'row')}\n`)
  if (rows > TABLE_ROWS_MAX)
    await write(out, `(the first ${countText(TABLE_ROWS_MAX)} are shown; --format csv or json writes all)\n`)
}

async function write(out: Writable, text: string): Promise<void> {
  if (!out.write(text)) await once(out, 'drain')
}

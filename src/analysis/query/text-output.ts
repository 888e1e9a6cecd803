/** An answer as JSON or CSV, piece by piece. */
import type { DuckDBResult } from '@duckdb/node-api'
import type { AnswerMeter } from './answer-meter.ts'
import { columnNames, plainRows, plainText } from './plain-value.ts'

/** An answer that broke off has no closing bracket. */
export async function writeJson(result: DuckDBResult, meter: AnswerMeter): Promise<void> {
  // Of two columns of one name, an object would keep one.
  const names = columnNames(result)
  let before = '[\n'
  for await (const chunk of plainRows(result)) {
    meter.countRows(chunk.length)
    for (const row of chunk) {
      await meter.text(`${before}${JSON.stringify(Object.fromEntries(names.map((name, i) => [name, row[i] ?? null])))}`)
      before = ',\n'
    }
  }
  await meter.text(before === '[\n' ? '[]\n' : '\n]\n')
  await meter.flush()
}

/** RFC 4180: lines end in CRLF; NULL is the empty field, as an empty text is. */
export async function writeCsv(result: DuckDBResult, meter: AnswerMeter): Promise<void> {
  await meter.text(`${columnNames(result).map(csvField).join(',')}\r\n`)
  for await (const chunk of plainRows(result)) {
    meter.countRows(chunk.length)
    for (const row of chunk) await meter.text(`${row.map((value) => csvField(plainText(value))).join(',')}\r\n`)
  }
  await meter.flush()
}

function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

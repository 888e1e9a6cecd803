/** What DuckDB says of NDJSON it can not read, as an error with the file, the line and the way out. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { StokerError } from '../core/errors.ts'
import { ndjsonRelation } from './ndjson-input.ts'

/** DuckDB's words may quote data: they are the cause, not the message. */
export async function inputError(
  error: unknown,
  input: readonly string[],
  connection: DuckDBConnection,
): Promise<unknown> {
  const text = error instanceof Error ? error.message : ''
  const files = input.join(', ')
  const fail = (code: string, message: string, hint: string) => new StokerError(code, message, { hint, cause: error })
  if (/No files found/.test(text))
    return fail('VIEWS_MISSING', `there is no file ${files}`, 'check the path or the pattern')
  if (/maximum_object_size/.test(text))
    return fail('INPUT_LINE', `a line of ${files} is longer than 64 MB`, 'leave that resource out')
  if (/Malformed JSON|invalid JSON|Invalid Input Error.*JSON/is.test(text))
    return fail(
      'INPUT_MALFORMED',
      `${await brokenLine(input, connection)} is no resource as JSON`,
      'one resource on each line; --trace shows more (it may quote data)',
    )
  return error
}

/** The first line that is no JSON. DuckDB passes over blank lines, and does not count them. */
async function brokenLine(input: readonly string[], connection: DuckDBConnection): Promise<string> {
  if (input.includes('-')) return 'a line of the standard input'
  const lenient = (files: readonly string[]) => ndjsonRelation(files, 'ignore_errors = true', 'filename = true')
  const first = async (sql: string) => (await connection.runAndReadAll(sql)).getRowsJson()[0]?.[0] as string | undefined
  const file = await first(`SELECT filename FROM ${lenient(input)} WHERE json IS NULL LIMIT 1`)
  if (file === undefined) return `a line of ${input.join(', ')}`
  const lines = `SELECT json, row_number() OVER () AS line FROM ${lenient([file])}`
  const line = await first(`SELECT min(line) FROM (${lines}) WHERE json IS NULL`)
  return `line ${line} of ${file} (blank ones not counted)`
}

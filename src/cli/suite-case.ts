/** One case of the SQL on FHIR test suite: a view over a file's resources, and what must come out. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlText } from '../core/sql.ts'
import { compileView, type CompiledView } from '../views/compile.ts'

type Row = Readonly<Record<string, unknown>>

export interface SuiteCase {
  readonly title: string
  readonly view: unknown
  /** As a set: the order of rows means nothing. */
  readonly expect?: readonly Row[]
  readonly expectCount?: number
  readonly expectError?: boolean
  /** In this order. */
  readonly expectColumns?: readonly string[]
}

/** DuckDB, not JavaScript, reads the resources of a file: 1.0 must stay 1.0. */
export function resourcesOf(text: string): string {
  return `(SELECT unnest(from_json(${sqlText(text)}, '{"resources": ["JSON"]}').resources) AS json)`
}

/** Why the case does not pass; undefined when it does. */
export async function caseProblem(
  connection: DuckDBConnection,
  { view, expect, expectCount, expectError, expectColumns }: SuiteCase,
  from: string,
): Promise<string | undefined> {
  let compiled: CompiledView
  let rows: Row[]
  try {
    compiled = compileView(view, { rules: 'specification' })
    const reader = await connection.runAndReadAll(compiled.sql({ from, json: 'json', carry: [] }))
    rows = reader.getRowObjectsJson()
  } catch (error) {
    return expectError ? undefined : error instanceof Error ? error.message : String(error)
  }
  if (expectError) return `an error was expected, ${rows.length} rows came`
  if (expectCount !== undefined && expectCount !== rows.length) return `${rows.length} rows instead of ${expectCount}`
  const columns = compiled.columns.map((column) => column.name).join(', ')
  if (expectColumns && expectColumns.join(', ') !== columns)
    return `the columns are ${columns}, not ${expectColumns.join(', ')}`
  if (!expect) return undefined
  const found = asSet(rows.map((row) => withNumbers(row, compiled)))
  const wanted = asSet(expect)
  return found === wanted ? undefined : `${found || 'no row'} instead of ${wanted || 'none'}`
}

/** A decimal is text in a table, with its digits; the cases have JSON numbers. */
function withNumbers(row: Row, view: CompiledView): Row {
  const decimals = view.columns.filter((column) => column.fhirType === 'decimal').map((column) => column.name)
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      decimals.includes(name) && value !== null && !Array.isArray(value) ? Number(value) : value,
    ]),
  )
}

function asSet(rows: readonly Row[]): string {
  return rows
    .map((row) => JSON.stringify(Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)))))
    .sort()
    .join(' ')
}

/** The official cases of SQL on FHIR, where they lie beside the repository. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileView } from '../../src/views/compile.ts'
import { sqlText } from '../../src/core/sql.ts'
import { openBench, type Bench, type Row } from './run-view.ts'

const FOLDER = new URL('../../../shared/sql-on-fhir/', import.meta.url).pathname

/** `file: title` of cases that are known not to pass yet. */
const NOT_YET: readonly string[] = []

interface OfficialCase {
  readonly title: string
  readonly view: object
  readonly expect?: readonly Row[]
  readonly expectCount?: number
  readonly expectError?: boolean
  readonly expectColumns?: readonly string[]
}

const files = existsSync(FOLDER)
  ? readdirSync(FOLDER)
      .filter((name) => name.endsWith('.json'))
      .sort()
  : []
let bench: Bench

beforeAll(async () => {
  bench = await openBench()
})

afterAll(() => bench.close())

if (files.length === 0) test.skip(`the official cases are not there: ${FOLDER}`, () => undefined)

describe.each(files)('%s', (file) => {
  const text = readFileSync(FOLDER + file, 'utf8')
  const { tests } = JSON.parse(text) as { tests: OfficialCase[] }
  // DuckDB, not JavaScript, reads the resources: 1.0 must stay 1.0.
  const from = `(SELECT unnest(from_json(${sqlText(text)}, '{"resources": ["JSON"]}').resources) AS json)`

  test.each(tests.map((one) => [one.title, one] as const))('%s', async (title, one) => {
    const problem = await problemOf(one, from)
    if (NOT_YET.includes(`${file}: ${title}`))
      expect(problem, 'this case passes now: take it off the list').toBeDefined()
    else expect(problem).toBeUndefined()
  })
})

/** Why a case does not pass; undefined when it does. */
async function problemOf(one: OfficialCase, from: string): Promise<string | undefined> {
  let rows: Row[]
  let columns: string[]
  try {
    const view = compileView(one.view, { rules: 'specification' })
    const decimals = new Set(
      view.columns.filter((column) => column.fhirType === 'decimal').map((column) => column.name),
    )
    columns = view.columns.map((column) => column.name)
    rows = (await bench.rows(view.sql({ from, json: 'json', carry: [] }))).map((row) => withNumbers(row, decimals))
  } catch (error) {
    return one.expectError ? undefined : String(error)
  }
  if (one.expectError) return `an error was expected, ${JSON.stringify(rows)} came`
  if (one.expectCount !== undefined && one.expectCount !== rows.length)
    return `${rows.length} rows instead of ${one.expectCount}`
  if (one.expectColumns && one.expectColumns.join() !== columns.join()) return `the columns are ${columns.join()}`
  if (one.expect && asSet(rows) !== asSet(one.expect)) return `${asSet(rows)} instead of ${asSet(one.expect)}`
  return undefined
}

/** A decimal is text in the table, with its digits; the cases have JSON numbers. */
function withNumbers(row: Row, decimals: ReadonlySet<string>): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, decimals.has(name) && value !== null ? Number(value) : value]),
  )
}

function asSet(rows: readonly Row[]): string {
  return rows
    .map((row) => JSON.stringify(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))))
    .sort()
    .join('\n')
}

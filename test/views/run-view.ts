/** Runs a compiled view over a few resources in a DuckDB of its own. */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { sqlText } from '../../src/core/sql.ts'
import { compileView, type CompileOptions, type CompiledView } from '../../src/views/compile.ts'

export type Row = Record<string, unknown>

export interface Bench {
  readonly connection: DuckDBConnection
  rows(sql: string): Promise<Row[]>
  close(): void
}

export async function openBench(): Promise<Bench> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  await connection.run(`SET TimeZone = 'UTC'`)
  return {
    connection,
    rows: async (sql) => (await connection.runAndReadAll(sql)).getRowObjectsJson(),
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** A relation of resources: objects, or JSON text where its very letters matter. */
export function relation(resources: readonly (object | string)[]): string {
  const values = resources.map(
    (one, place) => `(${place}, ${sqlText(typeof one === 'string' ? one : JSON.stringify(one))}::JSON)`,
  )
  return `(SELECT * FROM (VALUES ${values.join(', ')}) AS t(place, json))`
}

export async function runView(
  bench: Bench,
  definition: object,
  resources: readonly (object | string)[],
  options?: CompileOptions,
): Promise<Row[]> {
  return bench.rows(compileView(definition, options).sql({ from: relation(resources), json: 'json', carry: [] }))
}

/** Rows of the view over a relation with a column `json`, and of how many of its resources it notes a loss meanwhile. */
export async function runNoting(
  bench: Bench,
  view: CompiledView,
  from: string,
): Promise<{ rows: Row[]; noted: number }> {
  await bench.rows('CREATE OR REPLACE TEMP SEQUENCE lossy')
  const rows = await bench.rows(view.sql({ from, json: 'json', carry: [], lossSequence: 'lossy' }))
  const [next] = await bench.rows(`SELECT nextval('lossy')::INTEGER AS number`)
  return { rows, noted: (next!['number'] as number) - 1 }
}

/** A view with one select of these columns: name to path, or to a whole column. */
export function viewOf(resource: string, columns: Record<string, string | object>, more: object = {}): object {
  const column = Object.entries(columns).map(([name, path]) =>
    typeof path === 'string' ? { name, path } : { name, ...path },
  )
  return { resource, select: [{ column }], ...more }
}

/** The values that paths have on one resource, in order. */
export async function valuesOf(
  bench: Bench,
  resource: { resourceType: string } | string,
  paths: readonly string[],
): Promise<unknown[]> {
  const type =
    typeof resource === 'string'
      ? (JSON.parse(resource) as { resourceType: string }).resourceType
      : resource.resourceType
  const columns = Object.fromEntries(paths.map((path, place) => [`c${place}`, path]))
  const row = (await runView(bench, viewOf(type, columns), [resource]))[0]!
  return paths.map((_, place) => row[`c${place}`])
}

export function columnTypes(view: CompiledView): string[] {
  return view.columns.map((column) => column.type)
}

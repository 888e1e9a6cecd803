/** Holds a generated view's rows against counts of elements that were got without it. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlName } from '../../src/core/sql.ts'
import { compileView, type CompiledView } from '../../src/views/compile.ts'
import type { GeneratedColumn, GeneratedSelect, GeneratedView } from '../../src/views/generate/view-definition.ts'

export interface CheckedView {
  readonly rows: number
  /** What is not as it must be. */
  readonly problems: readonly string[]
  /** Columns without any value. */
  readonly empty: readonly string[]
}

/** @param from a relation with the resources in its column `json`; @param compiled the view, where that is at hand */
export async function checkView(
  connection: DuckDBConnection,
  view: GeneratedView,
  from: string,
  counts: ReadonlyMap<string, number>,
  compiled: CompiledView = compileView(view),
): Promise<CheckedView> {
  const columns = view.select.flatMap(columnsOf).filter(isFirstOfName)
  const key = /Key: ([^.]+)\.$/.exec(view.description)![1]!.split(', ')
  const counted = columns.map(({ name, collection }) =>
    collection ? `sum(len(${sqlName(name)}))::INTEGER` : `count(${sqlName(name)})::INTEGER`,
  )
  const sql = compiled.sql({ from, json: 'json', carry: [] })
  const answer = await connection.runAndReadAll(
    `SELECT count(*)::INTEGER, count(DISTINCT (${key.map(sqlName).join(', ')}))::INTEGER, ${counted.join(', ')} FROM (${sql})`,
  )
  const [rows, keys, ...values] = answer.getRowsJS()[0]!.map(Number) as [number, number, ...number[]]
  const problems: string[] = []
  const hold = (what: string, found: number, expected: number) => {
    if (found !== expected) problems.push(`${view.name} ${what}: ${found} instead of ${expected}`)
  }
  hold('rows by key', keys, rows)
  const path = elementOf(view)
  if (path !== undefined) hold('rows', rows, counts.get(path) ?? 0)
  columns.forEach((column, place) => {
    const element = /^([A-Z]\w*(?:\.\w+)+)(?:: all its values)?\.$/.exec(column.description)?.[1]
    if (element !== undefined) hold(column.name, values[place]!, counts.get(element) ?? 0)
  })
  return { rows, problems, empty: columns.filter((_, place) => values[place] === 0).map(({ name }) => name) }
}

/** Of which there is a row each; undefined where the description does not tell it by a path. */
export function elementOf({ description }: GeneratedView): string | undefined {
  return /^One row per ([A-Z][\w.]*)(?: at any depth)?\. Key/.exec(description)?.[1]
}

export function columnsOf(select: GeneratedSelect): GeneratedColumn[] {
  return [...(select.column ?? []), ...[...(select.select ?? []), ...(select.unionAll ?? [])].flatMap(columnsOf)]
}

/** The branches of a unionAll have the same columns. */
function isFirstOfName(column: GeneratedColumn, place: number, all: readonly GeneratedColumn[]): boolean {
  return all.findIndex(({ name }) => name === column.name) === place
}

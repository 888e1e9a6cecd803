/** Holds a generated view's rows against counts of elements that were got without it. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { sqlName } from '../../src/core/sql.ts'
import type { CompiledView } from '../../src/views/compile.ts'
import type { GeneratedColumn, GeneratedSelect, GeneratedView } from '../../src/views/generate/view-definition.ts'

export interface CheckedView {
  /** What is not as it must be. */
  readonly problems: readonly string[]
  /** Columns without any value. */
  readonly empty: readonly string[]
}

/**
 * Each relation is held against its own counts, by one query: to plan it takes longer than to answer it.
 *
 * @param from a relation with the resources in its column `json`, and whose they are in its column `_origin`
 * @param counts by origin: what its resources hold
 */
export async function checkView<Origin extends string>(
  connection: DuckDBConnection,
  view: GeneratedView,
  compiled: CompiledView,
  from: string,
  counts: ReadonlyMap<Origin, ReadonlyMap<string, number>>,
): Promise<ReadonlyMap<Origin, CheckedView>> {
  const columns = view.select.flatMap(columnsOf).filter(isFirstOfName)
  const key = /Key: ([^.]+)\.$/.exec(view.description)![1]!.split(', ')
  const counted = columns.map(({ name, collection }) =>
    collection ? `sum(len(${sqlName(name)}))::INTEGER` : `count(${sqlName(name)})::INTEGER`,
  )
  const sql = compiled.sql({ from, json: 'json', carry: ['_origin'] })
  const answer = await connection.runAndReadAll(
    `SELECT _origin, count(*)::INTEGER, count(DISTINCT (${key.map(sqlName).join(', ')}))::INTEGER, ${counted.join(', ')}
     FROM (${sql}) GROUP BY _origin`,
  )
  const found = new Map(answer.getRowsJS().map(([origin, ...numbers]) => [origin, numbers.map(Number)]))
  const none = [0, 0, ...columns.map(() => 0)]
  const check = (origin: Origin, expected: ReadonlyMap<string, number>): CheckedView => {
    const [rows, keys, ...values] = (found.get(origin) ?? none) as [number, number, ...number[]]
    const problems: string[] = []
    const hold = (what: string, number: number, wanted: number) => {
      if (number !== wanted) problems.push(`${origin}: ${view.name} ${what}: ${number} instead of ${wanted}`)
    }
    hold('rows by key', keys, rows)
    const path = elementOf(view)
    if (path !== undefined) hold('rows', rows, expected.get(path) ?? 0)
    columns.forEach((column, place) => {
      const element = /^([A-Z]\w*(?:\.\w+)+)(?:: all its values)?\.$/.exec(column.description)?.[1]
      if (element !== undefined) hold(column.name, values[place]!, expected.get(element) ?? 0)
    })
    return { problems, empty: columns.filter((_, place) => values[place] === 0).map(({ name }) => name) }
  }
  return new Map([...counts].map(([origin, expected]) => [origin, check(origin, expected)]))
}

/** Of which there is a row each; undefined where the description does not tell it by a path. */
function elementOf({ description }: GeneratedView): string | undefined {
  return /^One row per ([A-Z][\w.]*)(?: at any depth)?\. Key/.exec(description)?.[1]
}

export function columnsOf(select: GeneratedSelect): GeneratedColumn[] {
  return [...(select.column ?? []), ...[...(select.select ?? []), ...(select.unionAll ?? [])].flatMap(columnsOf)]
}

/** The branches of a unionAll have the same columns. */
function isFirstOfName(column: GeneratedColumn, place: number, all: readonly GeneratedColumn[]): boolean {
  return all.findIndex(({ name }) => name === column.name) === place
}

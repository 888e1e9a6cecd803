/** The tables as they were after a run: what its state is to be compared with when it is made again later. */
import type { Session } from '../../src/store/session.ts'

export interface Past {
  readonly run: number
  /** By view table: each row as JSON with every column, lineage included, sorted. */
  readonly tables: ReadonlyMap<string, readonly string[]>
}

export async function pastOf(session: Session, run: number): Promise<Past> {
  const tables = new Map<string, readonly string[]>()
  for (const table of await viewTables(session)) tables.set(table, await rowsOf(session, `FROM main.${table}`))
  return { run, tables }
}

export async function viewTables(session: Session): Promise<string[]> {
  const rows = await session.rows<{ name: string }>('SELECT name FROM stoker.view_table ORDER BY name')
  return rows.map(({ name }) => name)
}

/** Of a statement, sorted, each as JSON text. */
export async function rowsOf(session: Session, sql: string): Promise<string[]> {
  const rows = await session.rows<{ row: string }>(`SELECT to_json(t)::VARCHAR AS "row" FROM (${sql}) AS t ORDER BY 1`)
  return rows.map(({ row }) => row)
}

/** What one list of rows has and the other lacks, each row as often as it is there; a few of them, in words. */
export function differences(what: string, found: readonly string[], wanted: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const row of wanted) left.set(row, (left.get(row) ?? 0) + 1)
  const surplus = found.filter((row) => {
    const count = left.get(row) ?? 0
    left.set(row, count - 1)
    return count <= 0
  })
  const missing = [...left].flatMap(([row, count]) => (count > 0 ? [`${what} lacks ${row}`] : []))
  return [...missing, ...surplus.map((row) => `${what} has ${row}`)].slice(0, 6)
}

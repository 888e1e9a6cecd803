/** The view tables, with the columns of their definitions and the rows of the newest snapshot: the data dictionary. */
import { sqlText } from '../core/sql.ts'
import type { Ask } from '../ledger/run-details.ts'
import { tableColumns, type View } from '../warehouse/tables/view.ts'

export interface TableLine {
  readonly name: string
  /** The resource type it is made of. */
  readonly resource: string
  readonly description: string | null
  readonly columns: number
  /** Of the newest snapshot; null before the table is in one. */
  readonly rows: number | null
  readonly bytes: number | null
  /** The run that last changed its rows. */
  readonly changed_by_run: number | null
  readonly changed_at: Date | null
}

export interface TableColumn {
  readonly name: string
  /** DuckDB type. */
  readonly type: string
  readonly description: string | null
}

/** The rows a table had in a snapshot. */
export interface TableSize {
  readonly snapshot: number
  readonly published_at: Date
  readonly rows: number
  readonly bytes: number
}

export interface TableDetails extends Omit<TableLine, 'columns'> {
  readonly columns: readonly TableColumn[]
  /** Newest first. */
  readonly sizes: readonly TableSize[]
}

interface Deps {
  readonly ask: Ask
  readonly views: readonly View[]
}

type Published = Pick<TableLine, 'name' | 'rows' | 'bytes' | 'changed_by_run' | 'changed_at'>

/** By name. */
export async function tableLines({ ask, views }: Deps): Promise<TableLine[]> {
  const published = new Map((await ask<Published>(publishedSql())).map((row) => [row.name, row]))
  return [...views]
    .sort((a, b) => a.name.localeCompare(b.name, 'en'))
    .map((view) => ({ ...lineOf(view, published.get(view.name)), columns: tableColumns(view).length }))
}

/** Undefined where there is no such table. */
export async function tableDetails({ ask, views }: Deps, name: string): Promise<TableDetails | undefined> {
  const view = views.find((each) => each.name === name)
  if (view === undefined) return undefined
  const [published] = await ask<Published>(publishedSql(name))
  const columns = tableColumns(view).map((column) => ({
    name: column.name,
    type: column.type,
    description: column.description ?? null,
  }))
  const sizes = await ask<TableSize>(`
    SELECT s.snapshot, s.published_at, t.rows, t.bytes FROM stoker.snapshot_table AS t JOIN stoker.snapshot AS s USING (snapshot)
    WHERE t.name = ${sqlText(name)} ORDER BY s.snapshot DESC LIMIT ${SIZES_MAX}`)
  return { ...lineOf(view, published), columns, sizes }
}

const SIZES_MAX = 500

function lineOf(view: View, published: Published | undefined): Omit<TableLine, 'columns'> {
  return {
    name: view.name,
    resource: view.resource,
    description: view.description ?? null,
    rows: published?.rows ?? null,
    bytes: published?.bytes ?? null,
    changed_by_run: published?.changed_by_run ?? null,
    changed_at: published?.changed_at ?? null,
  }
}

function publishedSql(name?: string): string {
  const only = (column: string) => (name === undefined ? 'true' : `${column} = ${sqlText(name)}`)
  return `
    WITH changed AS (
      SELECT view_table, max_by(run, commit_number) AS run, max(committed_at) AS at
      FROM stoker.run_view JOIN stoker.run USING (run)
      WHERE rows_removed + rows_added > 0 AND ${only('view_table')} GROUP BY view_table)
    SELECT t.name, t.rows, t.bytes, c.run AS changed_by_run, c.at AS changed_at
    FROM stoker.snapshot_table AS t LEFT JOIN changed AS c ON c.view_table = t.name
    WHERE t.snapshot = (SELECT max(snapshot) FROM stoker.snapshot) AND ${only('t.name')}`
}

/** The definitions that ever filled a table, as they were compiled: with them a past table is made as it was. */
import type { Session } from '../../store/session.ts'
import { DELETED_COLUMN, LINEAGE_COLUMNS, tableColumns, viewRows, type View, type ViewColumn } from './view.ts'

/** What a stored definition calls the lines it is to read. */
const LINES = 'stoker_lines'

export async function recordDefinition(session: Session, view: View): Promise<void> {
  const columns = tableColumns(view).map(({ name, type, description }) => ({ name, type, description }))
  await session.run(
    `INSERT INTO stoker.view_definition SELECT $1, $2, $3, $4, $5, $6
     WHERE NOT EXISTS (FROM stoker.view_definition WHERE hash = $1 AND name = $2)`,
    [view.hash, view.name, view.resource, view.description ?? null, JSON.stringify(columns), viewRows(view, LINES)],
  )
}

/** From `now` on the tables are made by `views`, and those that are `gone` are none; be the clock what it may, after all before. */
export async function recordUse(session: Session, views: readonly View[], gone: readonly string[], now: Date) {
  const uses = [...views.map(({ name, hash }) => ({ name, hash })), ...gone.map((name) => ({ name, hash: null }))]
  if (uses.length === 0) return
  await session.run(
    `INSERT INTO stoker.view_use
     SELECT u.name, u.hash, greatest($2::TIMESTAMPTZ, max(h.since) + INTERVAL '1 microsecond')
     FROM (SELECT unnest(from_json($1::JSON, '[{"name":"VARCHAR","hash":"VARCHAR"}]')) AS u)
       LEFT JOIN stoker.view_use AS h ON h.name = u.name GROUP BY ALL`,
    [JSON.stringify(uses), now.toISOString()],
  )
}

/** A view, by its compiled SQL, for tables as they were or would have been. */
export interface PastView extends Omit<View, 'sql' | 'lossSql'> {
  /** Its rows over lines of the raw log, as a SELECT. */
  rows(lines: string): string
}

/** The same of a view as it is defined now. */
export function pastView(view: View): PastView {
  return { ...view, rows: (lines) => viewRows(view, lines) }
}

/** The definitions in force when a run was committed, or at a time after it, by name. */
export async function definitionsOf(session: Session, run: number, at?: Date): Promise<PastView[]> {
  const inForce =
    at === undefined
      ? 'SELECT view_table AS name, view_hash AS hash FROM stoker.run_view WHERE run = $1'
      : // hash may be NULL, and counts all the same
        `SELECT name, last.hash AS hash FROM (
           SELECT name, max_by({hash: hash}, since) AS last FROM stoker.view_use WHERE since <= $1::TIMESTAMPTZ GROUP BY name)`
  const found = await session.rows<StoredDefinition>(
    `SELECT d.* FROM stoker.view_definition AS d SEMI JOIN (${inForce}) USING (name, hash) ORDER BY d.name`,
    [at?.toISOString() ?? run],
  )
  return found.map(({ description, columns, sql, ...names }) => {
    const all = JSON.parse(columns) as ViewColumn[]
    return {
      ...names,
      description: description ?? undefined,
      columns: all.filter((column) => !CARRIED.has(column.name)),
      keepsDeleted: all.some((column) => column.name === DELETED_COLUMN.name),
      rows: (lines) => `WITH ${LINES} AS NOT MATERIALIZED (FROM ${lines}) SELECT * FROM (${sql})`,
    }
  })
}

const CARRIED: ReadonlySet<string> = new Set([...LINEAGE_COLUMNS, DELETED_COLUMN].map((column) => column.name))

interface StoredDefinition {
  readonly name: string
  readonly resource: string
  readonly hash: string
  readonly description: string | null
  readonly columns: string
  readonly sql: string
}

/** The view tables: made, kept to their definitions, rebuilt from the raw log when one changes, dropped when one goes. */
import { sqlName, sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import { columnChanges, refuseBreaking, type TableChange } from './column-changes.ts'
import { recordDefinition, recordUse } from './definitions.ts'
import { tablePlaces } from './places.ts'
import type { Lake } from '../lake.ts'
import { rawLines } from '../raw-lines.ts'
import { tableColumns, viewRows, viewTable, type View, type ViewColumn } from './view.ts'

export interface ViewTableChanges {
  readonly made: readonly string[]
  /** With what that means for those who read them. */
  readonly rebuilt: readonly TableChange[]
  readonly dropped: readonly string[]
}

export interface AlignOptions {
  /** When it is done: from then on the tables are of these definitions. */
  readonly now: Date
  /** Published tables may lose columns, or go. */
  readonly allowBreaking?: boolean | undefined
  /** Views to fill anew though their definition is the same. */
  readonly anew?: ReadonlySet<string> | undefined
  /** Told before a table is filled from the raw log. */
  readonly onTable?: ((name: string) => void) | undefined
}

/**
 * Brings the set of view tables to `views`. A new or changed view is filled from the raw log: the living resources of
 * its type, each from the line that holds its newest version. Call it in a transaction.
 * @throws StokerError VIEWS_BREAK_READERS when a published table would lose what readers may use, unless that is allowed
 */
export async function alignViewTables(
  session: Session,
  lake: Lake,
  views: readonly View[],
  options: AlignOptions,
): Promise<ViewTableChanges> {
  const held = new Map((await heldTables(session)).map((table) => [table.name, table]))
  const due = views.filter(({ name, hash }) => held.get(name)?.hash !== hash || options.anew?.has(name))
  const gone = [...held.keys()].filter((name) => views.every((view) => view.name !== name))
  const changes = [
    ...due.flatMap((view) => {
      const before = held.get(view.name)
      return before === undefined ? [] : [columnChanges(view.name, before.columns, tableColumns(view))]
    }),
    ...gone.map((name) => columnChanges(name, held.get(name)!.columns, undefined)),
  ]
  if (!options.allowBreaking) refuseBreaking(changes.filter(({ table }) => held.get(table)!.published))
  for (const name of [...gone, ...due.map((view) => view.name)]) if (held.has(name)) await dropViewTable(session, name)
  const known = due.length === 0 ? new Set<string>() : await knownTypes(session)
  for (const view of due) {
    options.onTable?.(view.name)
    await makeViewTable(session, view)
    if (known.has(view.resource)) await fillViewTable(session, lake, view)
  }
  await recordUse(session, due, gone, options.now)
  return {
    made: due.map((view) => view.name).filter((name) => !held.has(name)),
    rebuilt: changes.filter((change) => !change.isGone),
    dropped: gone,
  }
}

interface HeldTable {
  readonly name: string
  readonly hash: string
  readonly columns: readonly Pick<ViewColumn, 'name' | 'type'>[]
  /** It is in the newest snapshot. */
  readonly published: boolean
}

async function heldTables(session: Session): Promise<HeldTable[]> {
  const rows = await session.rows<{ name: string; hash: string; columns: string; published: boolean }>(
    `SELECT t.name, t.hash, d.columns, t.name IN (
       SELECT name FROM stoker.snapshot_table WHERE snapshot = (SELECT max(snapshot) FROM stoker.snapshot)) AS published
     FROM stoker.view_table AS t JOIN stoker.view_definition AS d USING (name, hash)`,
  )
  return rows.map((row) => ({ ...row, columns: JSON.parse(row.columns) as ViewColumn[] }))
}

/** Marks a table's rows as changed, so that the next snapshot writes them anew. */
export async function markChanged(session: Session, name: string): Promise<void> {
  await session.run(`UPDATE stoker.view_table SET changed = nextval('stoker.change_number') WHERE name = $1`, [name])
}

/** Of each view table, by name; in one statement, since one a table costs more than the counting. */
export async function countRows(session: Session, views: readonly Pick<View, 'name'>[]): Promise<Map<string, number>> {
  if (views.length === 0) return new Map()
  const counts = views.map(({ name }) => `SELECT ${sqlText(name)} AS name, count(*) AS rows FROM ${viewTable(name)}`)
  const rows = await session.rows<{ name: string; rows: number }>(counts.join(' UNION ALL '))
  return new Map(rows.map(({ name, rows: count }) => [name, count]))
}

async function makeViewTable(session: Session, view: View): Promise<void> {
  const columns = tableColumns(view)
  await session.run(
    `CREATE TABLE ${viewTable(view.name)} (${columns.map((c) => `${sqlName(c.name)} ${c.type}`).join(', ')})`,
  )
  await session.run(`INSERT INTO stoker.view_table VALUES ($1, $2, $3, nextval('stoker.change_number'))`, [
    view.name,
    view.resource,
    view.hash,
  ])
  await recordDefinition(session, view)
}

/** Of the resources that ever came, the deleted ones too: the table of another type is empty. */
async function knownTypes(session: Session): Promise<ReadonlySet<string>> {
  const rows = await session.rows<{ type: string }>('SELECT DISTINCT type FROM stoker.resource')
  return new Set(rows.map(({ type }) => type))
}

async function dropViewTable(session: Session, name: string): Promise<void> {
  await session.run(`DROP TABLE IF EXISTS ${viewTable(name)}`)
  await session.run('DELETE FROM stoker.view_table WHERE name = $1', [name])
}

async function fillViewTable(session: Session, lake: Lake, view: View): Promise<void> {
  const places = tablePlaces(view.resource, view.keepsDeleted ?? false, undefined)
  await session.inAnyOrder()
  for (const lines of await rawLines(session, lake, places)) {
    await session.run(`INSERT INTO ${viewTable(view.name)} ${viewRows(view, lines)}`)
  }
}

/** The view tables: made, kept to their definitions, rebuilt from the raw log when one changes, dropped when one goes. */
import { sqlName } from '../core/sql.ts'
import type { Session } from '../store/session.ts'
import type { Lake } from './lake.ts'
import { tablePlaces } from './history.ts'
import { rawLines } from './raw-lines.ts'
import { recordDefinition } from './definitions.ts'
import { tableColumns, viewRows, viewTable, type View } from './view.ts'

export interface ViewTableChanges {
  readonly made: readonly string[]
  readonly rebuilt: readonly string[]
  readonly dropped: readonly string[]
}

/**
 * Brings the set of view tables to `views`. A new or changed view is filled from the raw log: the living resources of
 * its type, each from the line that holds its newest version. Call it in a transaction.
 */
export async function alignViewTables(session: Session, lake: Lake, views: readonly View[]): Promise<ViewTableChanges> {
  const held = new Map(
    (await session.rows<{ name: string; hash: string }>('SELECT name, hash FROM stoker.view_table')).map((t) => [
      t.name,
      t.hash,
    ]),
  )
  const made: string[] = []
  const rebuilt: string[] = []
  for (const view of views) {
    const hash = held.get(view.name)
    held.delete(view.name)
    if (hash === view.hash) continue
    if (hash !== undefined) await dropViewTable(session, view.name)
    await makeViewTable(session, view)
    const rows = await fillViewTable(session, lake, view)
    if (hash !== undefined || rows > 0) rebuilt.push(view.name)
    else made.push(view.name)
  }
  const dropped = [...held.keys()]
  for (const name of dropped) await dropViewTable(session, name)
  return { made, rebuilt, dropped }
}

/** Marks a table's rows as changed, so that the next snapshot writes them anew. */
export async function markChanged(session: Session, name: string): Promise<void> {
  await session.run(`UPDATE stoker.view_table SET changed = nextval('stoker.change_number') WHERE name = $1`, [name])
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

async function dropViewTable(session: Session, name: string): Promise<void> {
  await session.run(`DROP TABLE IF EXISTS ${viewTable(name)}`)
  await session.run('DELETE FROM stoker.view_table WHERE name = $1', [name])
}

async function fillViewTable(session: Session, lake: Lake, view: View): Promise<number> {
  let rows = 0
  const places = tablePlaces(view.resource, view.keepsDeleted ?? false, undefined)
  for (const lines of await rawLines(session, lake, places)) {
    rows += await session.run(`INSERT INTO ${viewTable(view.name)} ${viewRows(view, lines)}`)
  }
  return rows
}

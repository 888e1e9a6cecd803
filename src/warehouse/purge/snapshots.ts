/** Snapshots that still have a row of what is purged. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'
import { resourceKey } from '../view.ts'
import type { PurgeSubject } from './subject.ts'

/** By number, with how many rows, of all that lie in the folder: whatever the ledger knows of them. */
export async function snapshotsWith(
  session: Session,
  lake: Lake,
  purge: number,
  subject: PurgeSubject,
): Promise<{ readonly scanned: number; readonly found: ReadonlyMap<number, number> }> {
  const found = new Map<number, number>()
  const numbers = (await readdir(lake.snapshots).catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number)
  for (const number of numbers) {
    const rows = await rowsIn(session, lake.snapshot(number), purge, subject)
    if (rows > 0) found.set(number, rows)
  }
  return { scanned: numbers.length, found }
}

async function rowsIn(session: Session, folder: string, purge: number, subject: PurgeSubject): Promise<number> {
  const { source } = subject
  const gone =
    subject.kind === 'source'
      ? `_source = ${sqlText(source)}`
      : `_resource_key IN (SELECT ${resourceKey(sqlText(source), 'type', 'id')} FROM stoker.purge_key WHERE purge = ${purge})`
  let rows = 0
  for (const table of (await readdir(folder, { withFileTypes: true })).filter((each) => each.isDirectory())) {
    if (table.name === 'stoker') continue
    const files = sqlText(join(folder, table.name, '*.parquet'))
    const found = await session.first<{ count: number }>(
      `SELECT count(*) AS count FROM read_parquet(${files}) WHERE ${gone}`,
    )
    rows += found?.count ?? 0
  }
  return rows
}

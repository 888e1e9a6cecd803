/** Snapshots that still have a row of what is purged. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sqlText } from '../../core/sql.ts'
import type { Database } from '../../store/database.ts'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'
import { removeSnapshots } from '../snapshot/retention.ts'
import { earliestWholeCommit } from '../past/forget.ts'
import { goneRows } from './gone.ts'
import { wordPattern, type PurgeSubject } from './subject.ts'

/** By number, with how many rows, of all that lie in the folder: whatever the ledger knows of them. */
export async function snapshotsWith(
  session: Session,
  lake: Lake,
  purge: number,
  subject: PurgeSubject,
): Promise<{ readonly scanned: number; readonly found: ReadonlyMap<number, number> }> {
  const gone = [goneRows(purge, subject), ...(await forgottenRows(session, subject))].join(' OR ')
  const found = new Map<number, number>()
  const numbers = await snapshotsThere(lake)
  for (const number of numbers) {
    const rows = await rowsIn(session, lake.snapshot(number), gone)
    if (rows > 0) found.set(number, rows)
  }
  return { scanned: numbers.length, found }
}

/**
 * Where `rawLog.keep` let lines go, a row may be of one whose patient nobody can read any more: it is theirs when it names
 * them.
 */
async function forgottenRows(session: Session, subject: PurgeSubject): Promise<string[]> {
  if (subject.kind !== 'patient' || (await earliestWholeCommit(session, subject.source)) === 0) return []
  const ofSource = `source = ${sqlText(subject.source)} AND file IS NOT NULL`
  return [
    `(_source = ${sqlText(subject.source)}
      AND (_file, _line) NOT IN (SELECT (file, line) FROM stoker.resource WHERE ${ofSource}
        UNION ALL SELECT (file, line) FROM stoker.resource_past WHERE ${ofSource})
      AND regexp_matches(t::VARCHAR, ${sqlText(wordPattern(`${subject.type}/${subject.id}`))}))`,
  ]
}

async function rowsIn(session: Session, folder: string, gone: string): Promise<number> {
  let rows = 0
  for (const { name } of (await readdir(folder, { withFileTypes: true })).filter((each) => each.isDirectory())) {
    // The files of a view lie in its folder, those of lineage, which has no rows of resources, a folder deeper.
    if (!(await readdir(join(folder, name))).some((file) => file.endsWith('.parquet'))) continue
    const files = sqlText(join(folder, name, '*.parquet'))
    const found = await session.first<{ count: number }>(
      `SELECT count(*) AS count FROM read_parquet(${files}) AS t WHERE ${gone}`,
    )
    rows += found?.count ?? 0
  }
  return rows
}

export interface LeftSnapshots {
  readonly removed: readonly number[]
  /** Those that are still being read. */
  readonly left: readonly number[]
}

/**
 * Removes those that purges found to have what they took, and had to leave because they were being read. The ledger has
 * their numbers, which tell nothing of whom was purged.
 */
export async function removeLeftSnapshots(database: Database, lake: Lake, now: Date): Promise<LeftSnapshots> {
  const noted = await database.using((session) =>
    session.rows<{ snapshot: number }>(
      `SELECT DISTINCT unnest(from_json(json_extract(counts, '$.snapshotsLeft'), '["INTEGER"]')) AS snapshot
       FROM stoker.purge WHERE counts IS NOT NULL ORDER BY snapshot`,
    ),
  )
  if (noted.length === 0) return { removed: [], left: [] }
  const there = new Set(await snapshotsThere(lake))
  const due = noted.map(({ snapshot }) => snapshot).filter((number) => there.has(number))
  const removed = await removeSnapshots(database, lake, due, now)
  return { removed, left: due.filter((number) => !removed.includes(number)) }
}

async function snapshotsThere(lake: Lake): Promise<number[]> {
  const names = await readdir(lake.snapshots).catch(() => [])
  return names
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

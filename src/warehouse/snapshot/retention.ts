/** Old snapshots: which may go, and their removal. */
import { readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder } from '../../core/durable.ts'
import type { Database } from '../../store/database.ts'
import { clearQuerySpills } from '../../store/spill.ts'
import type { Keeping } from '../keeping.ts'
import type { Lake } from '../lake.ts'
import { leasedSnapshots } from './leases.ts'

interface KeptSnapshot {
  readonly snapshot: number
  readonly publishedAt: Date
}

const DAY_MS = 86_400_000

/**
 * Those that are neither among the newest `keep`, nor were the newest one within `days`, nor are being read. The newest
 * never goes.
 * @param there in rising order
 */
export function expiredSnapshots(
  there: readonly KeptSnapshot[],
  { keep, days }: Keeping['snapshots'],
  held: ReadonlySet<number>,
  now: Date,
): number[] {
  return there
    .slice(0, -Math.max(1, keep))
    .filter(({ snapshot }, i) => {
      const supersededAt = there[i + 1]!.publishedAt
      return !held.has(snapshot) && now.getTime() - supersededAt.getTime() >= days * DAY_MS
    })
    .map((each) => each.snapshot)
}

/** Removes what may go. @returns the numbers of those that went */
export async function collectSnapshots(
  database: Database,
  lake: Lake,
  keeping: Keeping['snapshots'],
  now: Date,
): Promise<number[]> {
  const there = await database.using((session) =>
    session.rows<{ snapshot: number; published_at: Date }>(
      'SELECT snapshot, published_at FROM stoker.snapshot WHERE removed_at IS NULL ORDER BY snapshot',
    ),
  )
  const kept = there.map(({ snapshot, published_at }) => ({ snapshot, publishedAt: published_at }))
  return removeSnapshots(database, lake, expiredSnapshots(kept, keeping, await leasedSnapshots(lake, now), now), now)
}

/**
 * Removes snapshots that nobody reads, each whole: it is renamed aside first, and what an interruption leaves aside is
 * cleared away by {@link clearLeftovers}. The ledger is told before its files go; told late, it is told by the next call.
 * @returns the numbers of those that went
 */
export async function removeSnapshots(
  database: Database,
  lake: Lake,
  numbers: readonly number[],
  now: Date,
): Promise<number[]> {
  const gone: number[] = []
  const held = await leasedSnapshots(lake, now)
  // What is read stays where it is: not every reader has all of its files open already.
  for (const number of numbers.filter((each) => !held.has(each))) {
    const folder = lake.snapshot(number)
    const aside = `${folder}${REMOVED}`
    await rename(folder, aside).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    // A reader that took its lease since then has found the folder, or looks for another: see withSnapshot.
    if ((await leasedSnapshots(lake, now)).has(number)) {
      await rename(aside, folder).catch(() => undefined)
      continue
    }
    gone.push(number)
  }
  if (gone.length === 0) return gone
  await syncFolder(lake.snapshots)
  await database.transaction(async (session) => {
    const list = gone.join(', ')
    await session.run(
      `UPDATE stoker.snapshot SET removed_at = $1::TIMESTAMPTZ WHERE removed_at IS NULL AND snapshot IN (${list})`,
      [now.toISOString()],
    )
    await session.run(`DELETE FROM stoker.snapshot_file WHERE snapshot IN (${list})`)
  })
  await clearLeftovers(database, lake, now)
  return gone
}

const REMOVED = '.removed'

/**
 * What interrupted publishings, removals and queries left: unfinished snapshots, removed ones, spilled rows; folders aside
 * whose removal was not yet settled come back.
 */
export async function clearLeftovers(database: Database, lake: Lake, now: Date): Promise<void> {
  await clearQuerySpills(lake.root, now)
  const there = await database.using((session) =>
    session.rows<{ snapshot: number }>('SELECT snapshot FROM stoker.snapshot WHERE removed_at IS NULL'),
  )
  const folders = new Map(
    there.map(({ snapshot }) => [`${lake.snapshot(snapshot)}${REMOVED}`, lake.snapshot(snapshot)]),
  )
  for (const name of await readdir(lake.snapshots).catch(() => [])) {
    const path = join(lake.snapshots, name)
    const unsettled = folders.get(path)
    if (unsettled !== undefined) await rename(path, unsettled)
    else if (name.endsWith(REMOVED) || name.endsWith('.part')) await rm(path, { recursive: true, force: true })
  }
}

/** A purge, step by step, from wherever its record says it stands. */
import type { DiskGuard } from '../../core/disk-space.ts'
import type { Database } from '../../store/database.ts'
import type { Lake } from '../lake.ts'
import { prove, type Proof } from './proof.ts'
import { removeLines } from './raw-lines.ts'
import {
  askPurge,
  clearPurge,
  countAlso,
  linesAsked,
  refuseOpenRun,
  type OpenPurge,
  type PurgeCounts,
} from './record.ts'
import { removeTexts, suspicion } from './rejects.ts'
import { removeRows } from './rows.ts'
import { select, type Selected } from './selection.ts'
import { snapshotsWith } from './snapshots.ts'
import { clearSpills } from './spills.ts'
import type { PurgeSubject } from './subject.ts'

export interface PurgeInput {
  readonly database: Database
  readonly lake: Lake
  readonly disk: DiskGuard
  readonly now: Date
  /** Publishes the view tables as they are by now. */
  readonly publish: () => Promise<number>
  /** Removes snapshots; gives those that went: one that is being read may not. */
  readonly removeSnapshots: (numbers: readonly number[]) => Promise<readonly number[]>
}

export interface Purged extends Proof, PurgeCounts {
  readonly purge: number
  readonly subject: PurgeSubject
  readonly rawLines: number
  /** The one that was published without it. */
  readonly snapshot: number
  readonly snapshotsRemoved: readonly number[]
  /** Those that still have rows of it, because they are being read, or were to stay. */
  readonly snapshotsLeft: readonly number[]
  readonly keepsSnapshots: boolean
  /** Queries that may still live and have spilled to disk, of whichever snapshot. */
  readonly queriesLeft: number
}

/** What a purge would take; nothing is changed. */
export async function countPurge({ database, lake }: PurgeInput, subject: PurgeSubject): Promise<Selected> {
  let selected: Selected | undefined
  const undo = new Error('only counted')
  await database
    .transaction(async (session) => {
      selected = await select(session, lake, 0, subject)
      throw undo
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error
    })
  return selected!
}

/**
 * Writes down what is to go, so that an interrupted purge is finished.
 * @throws StokerError PURGE_RUN_OPEN
 */
export async function beginPurge(
  { database, lake, now }: PurgeInput,
  subject: PurgeSubject,
  keepsSnapshots: boolean,
): Promise<void> {
  await database.transaction(async (session) => {
    await refuseOpenRun(session, subject.source)
    await select(session, lake, await askPurge(session, subject, keepsSnapshots, now), subject)
  })
}

/**
 * Does what {@link beginPurge} wrote down, be it by an earlier process: rows, then lines, then a snapshot without them, then
 * the proof. Every step, done again, finds nothing left. After it only the free blocks of the database file have what was
 * purged: see {@link rewriteDatabase}.
 */
export async function pursuePurge(
  input: PurgeInput,
  open: OpenPurge & { readonly subject: PurgeSubject },
): Promise<Purged> {
  const { database, lake, disk, now } = input
  const { purge, subject, keepsSnapshots } = open
  return database.using(async (session) => {
    await refuseOpenRun(session, subject.source)
    const isSuspect = await suspicion(session, purge, subject)
    await database.transaction(async (inside) => countAlso(inside, purge, await removeRows(inside, purge, subject)))
    const rawLines = await linesAsked(session, purge)
    // Before the files: whole rejects' files of a source go with its folder.
    await countAlso(session, purge, { rejectTexts: await removeTexts(lake, subject.source, isSuspect) })
    await removeLines(session, lake, purge, { subject, disk })
    const snapshot = await input.publish()
    const { found } = await snapshotsWith(session, lake, purge, subject)
    const older = [...found.keys()].filter((number) => number !== snapshot)
    const snapshotsRemoved = keepsSnapshots ? [] : await input.removeSnapshots(older)
    const snapshotsLeft = older.filter((number) => !snapshotsRemoved.includes(number))
    const queriesLeft = await clearSpills(lake, now)
    const proof = await prove(session, lake, purge, { subject, isSuspect })
    const counts = { ...(await countAlso(session, purge, {})), rawLines }
    const due = keepsSnapshots ? [] : snapshotsLeft
    await database.transaction((inside) => clearPurge(inside, purge, { ...counts, snapshotsLeft: due }, now))
    const snapshots = { snapshot, snapshotsRemoved, snapshotsLeft, keepsSnapshots }
    return { purge, subject, ...counts, ...snapshots, queriesLeft, ...proof }
  })
}

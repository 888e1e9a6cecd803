/** The ledger of purges: what is to be gone is written down first, so that an interrupted purge is finished. */
import { StokerError } from '../../core/errors.ts'
import type { Session } from '../../store/session.ts'
import { subjectKey, subjectOf, type PurgeSubject } from './subject.ts'

/** `asked`: its keys and lines are known. `cleared`: only free blocks of the database file still have them. */
export type PurgeState = 'asked' | 'cleared' | 'done'

export interface OpenPurge {
  readonly purge: number
  readonly state: PurgeState
  /** Undefined once it is cleared: it is kept nowhere then. */
  readonly subject: PurgeSubject | undefined
  readonly keepsSnapshots: boolean
}

interface PurgeRow {
  readonly purge: number
  readonly kind: PurgeSubject['kind']
  readonly target: string | null
  readonly keeps_snapshots: boolean
  readonly state: PurgeState
}

/** The purge that was begun and not finished: there is one at most. */
export async function openPurge(session: Session): Promise<OpenPurge | undefined> {
  const row = await session.first<PurgeRow>(
    `SELECT purge, kind, target, keeps_snapshots, state FROM stoker.purge WHERE state <> 'done' ORDER BY purge LIMIT 1`,
  )
  if (row === undefined) return undefined
  const subject = row.target === null ? undefined : subjectOf(row.kind, row.target)
  return { purge: row.purge, state: row.state, subject, keepsSnapshots: row.keeps_snapshots }
}

/** @throws StokerError PURGE_UNFINISHED: until it is finished, a run could bring back what it is to take. */
export async function refuseUnfinishedPurge(session: Session): Promise<void> {
  const open = await openPurge(session)
  if (open === undefined) return
  throw new StokerError('PURGE_UNFINISHED', `purge ${open.purge} was interrupted`, {
    hint: 'run stoker purge --finish first',
    facts: { purge: open.purge, state: open.state },
  })
}

/** @throws StokerError PURGE_RUN_OPEN when the source is in the middle of a run, whose files nobody may touch. */
export async function refuseOpenRun(session: Session, source: string): Promise<void> {
  const open = await session.first<{ run: number }>(
    `SELECT run FROM stoker.run WHERE source = $1 AND state NOT IN ('done', 'failed')`,
    [source],
  )
  if (open === undefined) return
  throw new StokerError('PURGE_RUN_OPEN', `${source} is in the middle of run ${open.run}`, {
    hint: `finish it (stoker sync ${source}) or give it up (stoker cancel ${source}), then purge`,
    facts: { source, run: open.run },
  })
}

export async function askPurge(
  session: Session,
  subject: PurgeSubject,
  keepsSnapshots: boolean,
  at: Date,
): Promise<number> {
  const row = await session.first<{ purge: number }>(
    `INSERT INTO stoker.purge VALUES (nextval('stoker.purge_number'), $1, $2, $3, $4, 'asked', $5::TIMESTAMPTZ, NULL, NULL) RETURNING purge`,
    [subject.kind, subject.source, subjectKey(subject), keepsSnapshots, at.toISOString()],
  )
  return row!.purge
}

/** Lines of the raw log that it is to take, be they gone by now or not. */
export async function linesAsked(session: Session, purge: number): Promise<number> {
  const row = await session.first<{ lines: number }>(
    'SELECT count(*) AS lines FROM stoker.purge_line WHERE purge = $1',
    [purge],
  )
  return row!.lines
}

export interface PurgeCounts {
  readonly viewRows: number
  readonly indexRows: number
  readonly rawFiles: number
  /** Bundles of deletions and messages of servers that named it, and no longer do. */
  readonly namedBy: number
  readonly rejectTexts: number
}

/** Adds up what an interrupted process and the next one removed. @returns all of it so far */
export async function countAlso(session: Session, purge: number, counts: Partial<PurgeCounts>): Promise<PurgeCounts> {
  const row = await session.first<{ counts: string | null }>('SELECT counts FROM stoker.purge WHERE purge = $1', [
    purge,
  ])
  const sums = { ...NONE, ...(JSON.parse(row?.counts ?? '{}') as Partial<PurgeCounts>) }
  for (const [key, count] of Object.entries(counts)) sums[key as keyof PurgeCounts] += count
  await session.run('UPDATE stoker.purge SET counts = $2::JSON WHERE purge = $1', [purge, JSON.stringify(sums)])
  return sums
}

const NONE = { viewRows: 0, indexRows: 0, rawFiles: 0, namedBy: 0, rejectTexts: 0 }

/** From here on nothing names what was purged. @param counts with `snapshotsLeft`, numbers: see {@link removeLeftSnapshots} */
export async function clearPurge(session: Session, purge: number, counts: object, at: Date): Promise<void> {
  await session.run('DELETE FROM stoker.purge_key WHERE purge = $1', [purge])
  await session.run('DELETE FROM stoker.purge_line WHERE purge = $1', [purge])
  await session.run(
    `UPDATE stoker.purge SET state = 'cleared', target = NULL, counts = $2::JSON, ended_at = $3::TIMESTAMPTZ WHERE purge = $1`,
    [purge, JSON.stringify(counts), at.toISOString()],
  )
}

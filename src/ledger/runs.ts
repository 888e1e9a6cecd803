/** Runs in the ledger: one attempt of ours to bring a source up to date. */
import type { Session } from '../store/session.ts'

export type RunState = 'open' | 'committed' | 'published' | 'done' | 'abandoned' | 'failed'
export type RunMode = 'full' | 'incremental' | 'mixed'

export interface RunRecord {
  readonly run: number
  readonly source: string
  readonly mode: RunMode
  readonly state: RunState
  readonly started_at: Date
  readonly committed_at: Date | null
  /** Its place in the order of commits. */
  readonly commit_number: number | null
  readonly ended_at: Date | null
  readonly stoker_version: string
  readonly error_code: string | null
  readonly error_message: string | null
  readonly error_hint: string | null
}

/** What stopped a run: see `core/errors.ts`. Never content, a token or a signed URL. */
export interface RunError {
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
}

export interface NewRun {
  readonly source: string
  readonly mode: RunMode
  readonly startedAt: Date
  readonly version: string
}

export async function openRun(session: Session, run: NewRun): Promise<number> {
  const row = await session.first<{ run: number }>(
    `INSERT INTO stoker.run (run, source, mode, state, started_at, stoker_version)
     VALUES (nextval('stoker.run_number'), $1, $2, 'open', $3::TIMESTAMPTZ, $4) RETURNING run`,
    [run.source, run.mode, run.startedAt.toISOString(), run.version],
  )
  return row!.run
}

/** The run of a source that was begun and is neither done nor failed: there is one at most. */
export async function unfinishedRun(session: Session, source: string): Promise<RunRecord | undefined> {
  return session.first<RunRecord>(
    `SELECT * FROM stoker.run WHERE source = $1 AND state NOT IN ('done', 'failed') ORDER BY run DESC LIMIT 1`,
    [source],
  )
}

/** `committed` and the end states carry their time with them. */
export async function moveRun(session: Session, run: number, state: RunState, at: Date): Promise<void> {
  if (state === 'committed') {
    await session.run(`UPDATE stoker.run SET commit_number = nextval('stoker.commit_number') WHERE run = $1`, [run])
  }
  const time = state === 'committed' ? 'committed_at' : state === 'done' ? 'ended_at' : undefined
  await session.run(
    `UPDATE stoker.run SET state = $2 ${time === undefined ? '' : `, ${time} = $3::TIMESTAMPTZ`} WHERE run = $1`,
    time === undefined ? [run, state] : [run, state, at.toISOString()],
  )
}

/** Nothing will be committed of it; what it leaves at the server and on the disk is still to be cleared away. */
export async function giveUpRun(session: Session, run: number, error: RunError, at: Date): Promise<void> {
  await session.run(
    `UPDATE stoker.run SET state = 'abandoned', ended_at = $2::TIMESTAMPTZ, error_code = $3, error_message = $4, error_hint = $5
     WHERE run = $1`,
    [run, at.toISOString(), error.code, error.message, error.hint ?? null],
  )
}

/** Notes what stopped a run that stays open: the next start goes on with it. */
export async function noteRunError(session: Session, run: number, error: RunError | null): Promise<void> {
  await session.run('UPDATE stoker.run SET error_code = $2, error_message = $3, error_hint = $4 WHERE run = $1', [
    run,
    error?.code ?? null,
    error?.message ?? null,
    error?.hint ?? null,
  ])
}

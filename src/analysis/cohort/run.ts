/** Cohorts over a snapshot: each by itself, its members kept, its failure noted. */
import type { Clock } from '../../core/clock.ts'
import { StokerError } from '../../core/errors.ts'
import type { Database } from '../../store/database.ts'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../../warehouse/lake.ts'
import type { CohortDefinition, CohortMistake } from './definition.ts'
import { mergeMembers } from './intervals.ts'
import { readCohorts, type CohortLibrary } from './library.ts'
import { findMembers, type FoundMembers } from './members.ts'
import { withCohortReader, type CohortLimits } from './cohort-reader.ts'
import { forgetCohort, lastRun, recordFailure, recordRun, type LastRun } from './run-record.ts'

export interface CohortDeps {
  /** Open for writing. */
  readonly database: Database
  readonly lake: Lake
  /** Of definitions, as configured; read again each time. */
  readonly folders: readonly string[]
  readonly clock: Clock
  readonly limits: CohortLimits
  readonly signal?: AbortSignal | undefined
  readonly observe?: (event: CohortEvent) => void
}

export const COHORT_SECONDS_DEFAULT = 600

export type CohortEvent =
  | { readonly kind: 'begun'; readonly cohort: string; readonly number: number; readonly of: number }
  | { readonly kind: 'ended'; readonly outcome: CohortOutcome }

/** same: it was run over this snapshot, by the same definition, and nothing was done. */
export type CohortOutcome =
  | ({
      readonly kind: 'done' | 'same'
      readonly cohort: string
      readonly snapshot: number
      readonly entered: number
      readonly left: number
      readonly definitionChanged: boolean
      readonly milliseconds: number
    } & FoundMembers)
  | { readonly kind: 'failed'; readonly cohort: string; readonly snapshot: number; readonly error: unknown }

export interface CohortsRun {
  readonly snapshot: number
  readonly outcomes: readonly CohortOutcome[]
  readonly mistakes: readonly CohortMistake[]
}

export interface RunOptions {
  /** Read before by the caller. */
  readonly library?: CohortLibrary
  /** Only these of it; all without. */
  readonly definitions?: readonly CohortDefinition[]
  /** Forgets first what is kept of them. */
  readonly anew?: boolean
}

/**
 * Runs every cohort of the folders over a snapshot. What is wrong with one, be it its file, stops that one alone.
 * @throws StokerError COHORT_NO_SNAPSHOT when there is none of that number; the signal's reason when it aborts
 */
export function runCohorts(deps: CohortDeps, snapshot: number, options: RunOptions = {}): Promise<CohortsRun> {
  return inTurn(deps.database, async () => {
    await deps.database.using((session) => mustBeThere(session, snapshot))
    const library = options.library ?? (await readCohorts(deps.folders))
    const definitions = options.definitions ?? library.definitions
    const outcomes: CohortOutcome[] = []
    for (const [index, definition] of definitions.entries()) {
      deps.signal?.throwIfAborted()
      deps.observe?.({ kind: 'begun', cohort: definition.name, number: index + 1, of: definitions.length })
      const outcome = await runOne(deps, definition, snapshot, options.anew ?? false)
      deps.observe?.({ kind: 'ended', outcome })
      outcomes.push(outcome)
    }
    return { snapshot, outcomes, mistakes: library.mistakes }
  })
}

/** Two runs of a cohort at once would both let the same patients enter. */
const turns = new WeakMap<Database, Promise<unknown>>()

function inTurn<T>(database: Database, work: () => Promise<T>): Promise<T> {
  const turn = (turns.get(database) ?? Promise.resolve()).then(work)
  turns.set(
    database,
    turn.catch(() => undefined),
  )
  return turn
}

async function mustBeThere(session: Session, snapshot: number): Promise<void> {
  const there = await session.rows<{ snapshot: number }>(
    'SELECT snapshot FROM stoker.snapshot WHERE removed_at IS NULL ORDER BY snapshot',
  )
  if (there.some((each) => each.snapshot === snapshot)) return
  const numbers = there.map((each) => each.snapshot).join(', ')
  throw new StokerError('COHORT_NO_SNAPSHOT', `there is no snapshot ${snapshot}`, {
    hint: numbers === '' ? 'run stoker sync first' : `there are: ${numbers}`,
    facts: { snapshot },
  })
}

async function runOne(
  deps: CohortDeps,
  definition: CohortDefinition,
  snapshot: number,
  anew: boolean,
): Promise<CohortOutcome> {
  const { database, clock, signal } = deps
  const { name: cohort } = definition
  const startedAt = clock.now()
  const took = () => clock.now().getTime() - startedAt.getTime()
  return database.using(async (session) => {
    const last = anew ? undefined : await lastRun(session, cohort)
    try {
      refuseEarlier(definition, last, snapshot)
      if (isSame(last, definition, snapshot)) return { ...last, kind: 'same', cohort }
      const found = await withCohortReader(deps, { cohort: definition.name, snapshot }, (reader) =>
        findMembers(session, reader, definition),
      )
      const done = await inTransaction(session, async () => {
        if (anew) await forgetCohort(session, cohort)
        const moved = await mergeMembers(session, cohort, snapshot)
        return recordRun(session, { definition, snapshot, startedAt, milliseconds: took(), found, moved })
      })
      return { kind: 'done', cohort, snapshot, ...done }
    } catch (error) {
      signal?.throwIfAborted()
      await noteFailure(session, { definition, snapshot, startedAt, milliseconds: took() }, error)
      return { kind: 'failed', cohort, snapshot, error }
    }
  })
}

function isSame(last: LastRun | undefined, { hash }: CohortDefinition, snapshot: number): last is LastRun {
  return last?.snapshot === snapshot && last.definition === hash
}

/** @throws StokerError COHORT_OUT_OF_ORDER: intervals are written forwards */
function refuseEarlier({ name }: CohortDefinition, last: LastRun | undefined, snapshot: number): void {
  if (last === undefined || snapshot >= last.snapshot) return
  throw new StokerError(
    'COHORT_OUT_OF_ORDER',
    `${name}: it was run over snapshot ${last.snapshot}, after ${snapshot}`,
    {
      hint: `--dry-run counts its members as of snapshot ${snapshot} and keeps nothing; --anew forgets what is kept of it and begins there`,
      facts: { cohort: name, snapshot, last: last.snapshot },
    },
  )
}

/** What is the caller's mistake is the caller's to know. */
async function noteFailure(session: Session, run: Parameters<typeof recordFailure>[1], error: unknown): Promise<void> {
  if (error instanceof StokerError && error.code === 'COHORT_OUT_OF_ORDER') return
  // Where the ledger can not be written, the failure itself says more than that.
  await recordFailure(session, run, error).catch(() => undefined)
}

async function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.run('BEGIN TRANSACTION')
  try {
    const answer = await work()
    await session.run('COMMIT')
    return answer
  } catch (error) {
    await session.run('ROLLBACK').catch(() => undefined)
    throw error
  }
}

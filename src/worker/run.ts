/** One run of one source, step by step, from wherever the ledger says it stands. */
import { isAbort, StokerError } from '../core/errors.ts'
import { booksOf, type Books } from '../ledger/books.ts'
import { planExports } from '../ledger/exports.ts'
import { forgetSignatures } from '../ledger/files.ts'
import { moveRun, noteRunError, openRun, unfinishedRun, type RunMode, type RunState } from '../ledger/runs.ts'
import { watermarksOf } from '../ledger/watermarks.ts'
import { snapshotOfRun } from '../warehouse/snapshot.ts'
import { abandonRun } from './abandon.ts'
import { commitRun } from './commit-step.ts'
import type { RunContext, WorkerContext } from './context.ts'
import { readyExports } from './export-step.ts'
import { loadFiles } from './load-step.ts'
import { planRun } from './plan.ts'
import { publishRun } from './publish-step.ts'
import { releaseExports } from './release-step.ts'
import type { Source } from './source.ts'

export interface RunOutcome {
  readonly source: string
  readonly run: number
  readonly mode: RunMode
  /** True when the run was begun by an earlier process and finished by this one. */
  readonly resumed: boolean
  readonly books: Books
  readonly snapshot: number
  readonly startedAt: Date
  readonly endedAt: Date
}

/**
 * Brings `source` up to date. The states of a run, each durable before the next begins:
 *
 *     open ── exports ready ── files landed ──► committed ──► published ──► done
 *       │                                       (one transaction)  (snapshot)   (exports released)
 *       └── an error that time will not mend ──► failed
 *
 * Interrupted anywhere, or stopped by an error that may pass, it stays in its state, and the next call goes on there.
 */
export async function runSource(context: WorkerContext, source: Source, full = false): Promise<RunOutcome> {
  const client = source.connect()
  try {
    const held = await unfinishedRun(context.ledger, source.name)
    if (held !== undefined) {
      try {
        const outcome = await pursue(
          enter({ ...context, source, client }, held.run),
          held.state,
          held.mode,
          held.started_at,
          true,
        )
        if (!full || held.mode === 'full') return outcome
      } catch (error) {
        // The export of the run we came back to, or all of its files, are gone: begin anew, once.
        if (!(error instanceof StokerError) || !OVER.has(error.code)) throw error
      }
    }
    const { run, mode, startedAt } = await open(context, source, full)
    return await pursue(enter({ ...context, source, client }, run), 'open', mode, startedAt, false)
  } finally {
    await client.close()
  }
}

const OVER: ReadonlySet<string> = new Set(['BULK_EXPORT_GONE', 'RUN_NOTHING_LOADED'])

async function open(
  context: WorkerContext,
  source: Source,
  full: boolean,
): Promise<{ run: number; mode: RunMode; startedAt: Date }> {
  const watermarks = new Map((await watermarksOf(context.ledger, source.name)).map((w) => [w.type, w.transaction_time]))
  const plan = planRun({ ...source.since, types: source.types, watermarks, mode: full ? 'full' : source.since.mode })
  const startedAt = context.clock.now()
  const run = await context.database.transaction(async (session) => {
    const number = await openRun(session, {
      source: source.name,
      mode: plan.mode,
      startedAt,
      version: context.stokerVersion,
    })
    await planExports(session, number, plan.exports)
    return number
  })
  return { run, mode: plan.mode, startedAt }
}

function enter(context: Omit<RunContext, 'run' | 'tell'>, run: number): RunContext {
  return { ...context, run, tell: (event) => context.observe({ source: context.source.name, run, ...event }) }
}

async function pursue(
  context: RunContext,
  from: RunState,
  mode: RunMode,
  startedAt: Date,
  resumed: boolean,
): Promise<RunOutcome> {
  const { ledger, run, source, clock } = context
  context.tell({ kind: 'started', mode, resumed })
  let state = from
  let snapshot = (await snapshotOfRun(ledger, run)) ?? 0
  try {
    if (state === 'open') {
      await readyExports(context)
      await loadFiles(context)
      await commitRun(context)
      state = 'committed'
    }
    if (state === 'committed') {
      snapshot = await publishRun(context)
      await moveRun(ledger, run, 'published', clock.now())
    }
    await releaseExports(context)
    await forgetSignatures(ledger, run)
    await noteRunError(ledger, run, null)
    await moveRun(ledger, run, 'done', clock.now())
  } catch (error) {
    await noteFailure(context, state, error)
    throw error
  }
  return {
    source: source.name,
    run,
    mode,
    resumed,
    books: await booksOf(ledger, run),
    snapshot,
    startedAt,
    endedAt: clock.now(),
  }
}

/** An error that may pass leaves the run open for the next start; before the commit any other one ends it. */
async function noteFailure(context: RunContext, state: RunState, error: unknown): Promise<void> {
  if (isAbort(error) || context.signal.aborted) return
  const known = error instanceof StokerError
  const facts = { code: known ? error.code : 'INTERNAL', message: known ? error.message : 'an error of Stoker itself' }
  // An export the server has forgotten can't be gone on with: the run ends, and the next one asks anew.
  const isOver = known && (!error.retryable || error.code === 'BULK_EXPORT_GONE')
  if (state === 'open' && isOver) await abandonRun(context, facts)
  else await noteRunError(context.ledger, context.run, facts)
  context.tell({ kind: 'failed', ...facts })
}

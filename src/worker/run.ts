/** One run of one source, step by step, from wherever the ledger says it stands. */
import { rm } from 'node:fs/promises'
import { isAbort, StokerError } from '../core/errors.ts'
import { withIds } from '../core/log.ts'
import { booksOf, type Books } from '../ledger/books.ts'
import { foreseen } from '../core/system-error.ts'
import { exportsOf } from '../ledger/exports.ts'
import { forgetSignatures } from '../ledger/files.ts'
import { Phases } from '../ledger/phases.ts'
import { moveRun, noteRunError, unfinishedRun, type RunMode, type RunState } from '../ledger/runs.ts'
import { refuseUnfinishedPurge } from '../warehouse/purge/record.ts'
import { snapshotOfRun } from '../warehouse/snapshot/records.ts'
import { abandonRun, clearAway } from './abandon.ts'
import { commitRun } from './commit-step.ts'
import type { RunContext, WorkerContext } from './context.ts'
import { gather } from './gather-step.ts'
import { asksForAll, asksTheSame, openNextRun } from './open-step.ts'
import { publishRun } from './publish-step.ts'
import { releaseExports } from './release-step.ts'
import { mergeNeed, publishNeed, withRoom } from './room.ts'
import type { Source } from './source.ts'
import { keepUp } from './upkeep-step.ts'

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
 *     open ── exports gathered ──► committed ──► published ──► done
 *       │       (files landed)    (one transaction)  (snapshot)   (exports released)
 *       └── an error that time will not mend ──► abandoned ──► failed
 *                                                        (its exports and folders cleared away)
 *
 * Interrupted anywhere, or stopped by an error that may pass, it stays in its state, and the next call goes on there.
 */
export async function runSource(context: WorkerContext, source: Source, full = false): Promise<RunOutcome> {
  let current = 0
  const log = withIds(context.log, () => ({ source: source.name, ...(current > 0 && { run: current }) }))
  // Before anything is waited for: whoever saw that a place is free has it.
  const place = context.places.enter()
  const client = source.connect(
    (wait) => context.observe({ source: source.name, run: current, kind: 'delayed', ...wait }),
    log,
  )
  const enter = (run: number): RunContext => {
    current = run
    const tell: RunContext['tell'] = (event) => context.observe({ source: source.name, run, ...event })
    const phases = new Phases(context.ledger, run, context.clock)
    return { ...context, log, source, client, run, phases, place, tell }
  }
  try {
    await refuseUnfinishedPurge(context.ledger)
    const unfinished = await unfinishedRun(context.ledger, source.name)
    if (unfinished?.state === 'abandoned') {
      await clearAway(enter(unfinished.run))
    } else if (unfinished?.state === 'open' && !(await asksTheSame(context, source, unfinished.run))) {
      await abandonRun(enter(unfinished.run), {
        code: 'SOURCE_CHANGED',
        message: 'the source asks for something else now',
      })
    } else if (unfinished !== undefined) {
      try {
        const outcome = await pursue(
          enter(unfinished.run),
          unfinished.state,
          unfinished.mode,
          unfinished.started_at,
          true,
        )
        if ((!full || unfinished.mode === 'full') && (await asksForAll(context, source, unfinished.run))) return outcome
      } catch (error) {
        // The export of the run we came back to, or all of its files, are gone: begin anew, once.
        if (!(error instanceof StokerError) || !OVER.has(error.code)) throw error
      }
    }
    const { run, mode, startedAt } = await openNextRun(context, source, full)
    return await pursue(enter(run), 'open', mode, startedAt, false)
  } finally {
    place.yield()
    await client.close()
  }
}

const OVER: ReadonlySet<string> = new Set(['BULK_EXPORT_GONE', 'RUN_NOTHING_LOADED'])

async function pursue(
  context: RunContext,
  from: RunState,
  mode: RunMode,
  startedAt: Date,
  resumed: boolean,
): Promise<RunOutcome> {
  const { ledger, run, source, clock, phases } = context
  context.tell({ kind: 'started', mode, resumed })
  let state = from
  let snapshot = (await snapshotOfRun(ledger, run)) ?? 0
  try {
    if (state === 'open') {
      await refuseEnded(context)
      await gather(context)
    }
    // Two merges would mark the same table as changed, two publishings take the same number; and what is published for a
    // run must not hold a later commit's rows: then it would not be had again as of that run.
    const writing = async () => {
      if (state === 'open') {
        context.tell({ kind: 'merging', table: undefined, done: 0, of: context.views.length })
        await phases.during('merge', async () => withRoom(context, await mergeNeed(context), commitRun))
        state = 'committed'
      }
      if (state === 'committed') {
        context.tell({ kind: 'publishing' })
        snapshot = await phases.during('publish', async () => withRoom(context, await publishNeed(context), publishRun))
        await moveRun(ledger, run, 'published', clock.now())
      }
    }
    await working(context, () => context.writing.during(context.signal, writing))
    await phases.during('release', async () => {
      await releaseExports(context)
      await rm(context.lake.staging(run), { recursive: true, force: true })
    })
    await forgetSignatures(ledger, run)
    await noteRunError(ledger, run, null)
    await moveRun(ledger, run, 'done', clock.now())
    context.tell({ kind: 'done', snapshot })
  } catch (error) {
    await noteFailure(context, state, error)
    throw error
  }
  const endedAt = clock.now()
  await working(context, () => keepUp(context))
  return { source: source.name, run, mode, resumed, books: await booksOf(ledger, run), snapshot, startedAt, endedAt }
}

/** As soon as the run has a place again, if it gave its own away. */
function working<T>(context: RunContext, work: () => Promise<T>): Promise<T> {
  return context.place.during(context.signal, work, () => context.tell({ kind: 'queued' }))
}

/** An export may have ended by itself just before the process did: without it the run is not whole. */
async function refuseEnded({ ledger, run }: RunContext): Promise<void> {
  if ((await exportsOf(ledger, run)).every((record) => record.state !== 'over')) return
  throw new StokerError('BULK_EXPORT_GONE', 'an export of this run came to its end without its files', {
    retryable: true,
  })
}

/**
 * Before the commit an error of the server's that will not pass ends the run. Any other one leaves it open for the next
 * start: what was fetched is still good when the disk has room again, or DuckDB more memory.
 */
async function noteFailure(context: RunContext, state: RunState, cause: unknown): Promise<void> {
  if (isAbort(cause) || context.signal.aborted) return
  const error = foreseen(cause)
  const known = error instanceof StokerError
  const facts = { code: known ? error.code : 'INTERNAL', message: known ? error.record : 'an error of Stoker itself' }
  const isOver = known && /^(BULK|RUN)_/.test(error.code) && (!error.retryable || error.code === 'BULK_EXPORT_GONE')
  const noted = { ...facts, hint: known ? error.hint : undefined }
  const noting =
    state === 'open' && isOver ? abandonRun(context, noted) : noteRunError(context.ledger, context.run, noted)
  // What stopped the run matters more: a disk that is full takes no note, nor does a database that it put an end to.
  await noting.catch(() => undefined)
  context.tell({ kind: 'failed', ...facts })
}

/** One run of one source, step by step, from wherever the ledger says it stands. */
import { rm } from 'node:fs/promises'
import { isAbort, StokerError } from '../core/errors.ts'
import { booksOf, type Books } from '../ledger/books.ts'
import { exportsOf, planExports, recordReleased } from '../ledger/exports.ts'
import { forgetSignatures } from '../ledger/files.ts'
import { failRun, moveRun, noteRunError, openRun, unfinishedRun, type RunMode, type RunState } from '../ledger/runs.ts'
import { watermarksOf } from '../ledger/watermarks.ts'
import { lastSnapshot, pointCatalog, publishSnapshot, snapshotOfRun } from '../warehouse/snapshot.ts'
import { commitRun } from './commit-step.ts'
import type { RunContext, WorkerContext } from './context.ts'
import { readyExports } from './export-step.ts'
import { loadFiles } from './load-step.ts'
import { planRun } from './plan.ts'
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
        // The server no longer knows the export of the run we came back to: begin anew, once.
        if (!(error instanceof StokerError) || error.code !== 'BULK_EXPORT_GONE') throw error
      }
    }
    const { run, mode, startedAt } = await open(context, source, full)
    return await pursue(enter({ ...context, source, client }, run), 'open', mode, startedAt, false)
  } finally {
    await client.close()
  }
}

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
      snapshot = await publish(context)
      await moveRun(ledger, run, 'published', clock.now())
    }
    await release(context)
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

async function publish(context: RunContext): Promise<number> {
  const { database, lake, views, run, clock, ledger } = context
  const already = await snapshotOfRun(ledger, run)
  if (already !== undefined) {
    await pointCatalog(lake, (await lastSnapshot(ledger)) ?? already)
    return already
  }
  const { snapshot, tables } = await publishSnapshot(database, lake, views, run, clock.now(), context.signal)
  const carriedOver = tables.filter((table) => table.carriedOver).length
  context.tell({ kind: 'published', snapshot, tables: tables.length, carriedOver })
  return snapshot
}

/** The rows are safe: a server that does not let go of its export is worth a note, not a failure. */
async function release(context: RunContext): Promise<void> {
  if (!context.source.release) return
  for (const record of await exportsOf(context.ledger, context.run)) {
    if (record.state !== 'ready' || record.status_url === null) continue
    try {
      await context.client.release(record.status_url, context.signal)
      await recordReleased(context.ledger, record.export)
    } catch (error) {
      if (isAbort(error) || !(error instanceof StokerError)) throw error
      context.tell({ kind: 'note', text: `the server did not delete its export: ${error.message}` })
    }
  }
}

/** An error that may pass leaves the run open for the next start; before the commit any other one ends it. */
async function noteFailure(context: RunContext, state: RunState, error: unknown): Promise<void> {
  if (isAbort(error) || context.signal.aborted) return
  const known = error instanceof StokerError
  const facts = { code: known ? error.code : 'INTERNAL', message: known ? error.message : 'an error of Stoker itself' }
  // An export the server has forgotten can't be gone on with: the run ends, and the next one asks anew.
  const isOver = known && (!error.retryable || error.code === 'BULK_EXPORT_GONE')
  if (state === 'open' && isOver) await abandon(context, facts)
  else await noteRunError(context.ledger, context.run, facts)
  context.tell({ kind: 'failed', ...facts })
}

/** Ends a run for good: nothing of it was committed, so what it fetched goes, and the server may forget its exports. */
async function abandon(context: RunContext, facts: { readonly code: string; readonly message: string }): Promise<void> {
  const { ledger, run, lake, source, clock } = context
  await forgetSignatures(ledger, run)
  await failRun(ledger, run, facts, clock.now())
  for (const folder of [lake.staging(run), lake.rawRun(source.name, run)])
    await rm(folder, { recursive: true, force: true })
  for (const record of await exportsOf(ledger, run)) {
    if (record.status_url !== null)
      await context.client.release(record.status_url, context.signal).catch(() => undefined)
  }
}

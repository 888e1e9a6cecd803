/** A sync where a worker holds the lake: it is asked for the runs, and followed until they are over. */
import { StokerError } from '../core/errors.ts'
import type { RunDetails } from '../ledger/run-details.ts'
import type { SourceError, SourceState } from '../service/control.ts'
import type { RunObserver } from '../worker/events.ts'
import type { RunOutcome } from '../worker/run.ts'
import type { SourceResult } from '../worker/sync.ts'
import type { WorkerClient } from './worker-client.ts'
import { isAfter, type WorkerEvent } from './worker-events.ts'

export interface WorkerSyncOptions {
  readonly full: boolean
  readonly observe: RunObserver
  /** Of a run that was under way before it was asked for. */
  readonly onAlready: (source: string) => void
  readonly signal: AbortSignal
}

/** One source of those that are asked for. */
interface Followed {
  readonly source: string
  /** What was before this event is not what was asked for. */
  after: string
  isActive: boolean
  run: number | undefined
  resumed: boolean
  result: SourceResult | undefined
}

/** In the order of `sources`; all are asked for at once, and the worker has its own limit. Ends early when it is aborted. */
export async function syncByWorker(
  client: WorkerClient,
  sources: readonly string[],
  options: WorkerSyncOptions,
): Promise<SourceResult[]> {
  const over = new AbortController()
  const events = client.events(AbortSignal.any([options.signal, over.signal]))
  const followed: Followed[] = []
  try {
    await events.next()
    for (const source of sources) followed.push(await asked(client, source, options))
    while (followed.some(({ result }) => result === undefined)) {
      const next = await events.next()
      if (next.done) break
      await take(client, followed, next.value, options)
    }
  } catch (error) {
    // What ended before it has its result.
    if (followed.length === 0) throw error
    for (const life of followed) life.result ??= { source: life.source, error }
  } finally {
    over.abort()
    await events.return(undefined).catch(() => undefined)
  }
  return followed.flatMap(({ result }) => result ?? [])
}

async function asked(client: WorkerClient, source: string, options: WorkerSyncOptions): Promise<Followed> {
  const nothing = { source, run: undefined, resumed: false, result: undefined }
  try {
    const { isNew, after } = await client.sync(source, options.full)
    if (!isNew) options.onAlready(source)
    return { ...nothing, after, isActive: !isNew }
  } catch (error) {
    return { ...nothing, after: '', isActive: false, result: { source, error } }
  }
}

async function take(
  client: WorkerClient,
  followed: readonly Followed[],
  event: WorkerEvent,
  options: WorkerSyncOptions,
): Promise<void> {
  const waiting = followed.filter(({ result }) => result === undefined)
  const about = (name: string) => waiting.find(({ source, after }) => source === name && isAfter(event.id, after))
  switch (event.kind) {
    case 'run': {
      const life = about(event.event.source)
      if (life === undefined) return
      if (event.event.kind === 'started') life.resumed = event.event.resumed
      Object.assign(life, { isActive: true, run: event.event.run })
      return options.observe(event.event)
    }
    case 'source': {
      const life = about(event.state.name)
      return life && stands(client, life, event.state, options)
    }
    case 'hello':
      // Of what was missed the end is seen in how things stand.
      for (const life of event.missed ? waiting : []) {
        const state = event.sources.find(({ name }) => name === life.source)
        life.isActive = true
        if (state !== undefined) await stands(client, life, state, options)
      }
      return
    case 'stopping':
      for (const life of waiting) life.result = { source: life.source, error: stopped(life.source) }
      return
    case 'published':
    case 'cohorts':
    case 'heartbeat':
    case 'reloaded':
      return
  }
}

async function stands(
  client: WorkerClient,
  life: Followed,
  { activity, error, progress }: SourceState,
  options: WorkerSyncOptions,
): Promise<void> {
  if (activity === 'queued' || activity === 'running') {
    Object.assign(life, { isActive: true, run: progress?.run ?? life.run })
    return
  }
  if (!life.isActive) return
  const details = life.run === undefined ? null : await client.ledger.run({ run: life.run })
  // What was under way when a whole one was asked for may not have been one.
  if (options.full && details?.run.state === 'done' && details.run.mode !== 'full') {
    Object.assign(life, await asked(client, life.source, options))
    return
  }
  life.result = { source: life.source, ...ending(life, details, error) }
}

function ending(
  life: Followed,
  details: RunDetails | null,
  error: SourceError | undefined,
): { readonly outcome: RunOutcome } | { readonly error: unknown } {
  if (error !== undefined) return { error: told(error) }
  if (details === null) return { error: stopped(life.source) }
  const { run, types, tables, losses, snapshot } = details
  if (run.state !== 'done' || run.ended_at === null) {
    const { error_code: code, error_message: message, error_hint: hint } = run
    return {
      error: code === null ? stopped(life.source) : told({ code, message: message ?? code, hint: hint ?? undefined }),
    }
  }
  const outcome: RunOutcome = {
    source: run.source,
    run: run.run,
    mode: run.mode,
    resumed: life.resumed,
    books: { types, views: tables, losses },
    snapshot: snapshot ?? 0,
    startedAt: run.started_at,
    endedAt: run.ended_at,
  }
  return { outcome }
}

function told({
  code,
  message,
  hint,
  retryable = false,
}: Pick<SourceError, 'code' | 'message' | 'hint'> & { retryable?: boolean }): Error {
  // An error that nobody foresaw, there as here.
  if (code === 'INTERNAL') return new Error(message)
  return new StokerError(code, message, { retryable, ...(hint !== undefined && { hint }) })
}

function stopped(source: string): StokerError {
  return new StokerError('WORKER_STOPPED', `the worker was stopped before ${source} was done`, {
    retryable: true,
    hint: 'it goes on from there at its next start',
  })
}

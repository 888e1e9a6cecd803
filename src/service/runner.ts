/** The runs of the worker: each begun, watched, and what comes of it told to its source. */
import type { Clock } from '../core/clock.ts'
import { StokerError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { WorkerContext } from '../worker/context.ts'
import type { RunEvent } from '../worker/events.ts'
import type { runSource } from '../worker/run.ts'
import type { SnapshotWork } from './after-snapshot.ts'
import { retryAt } from './backoff.ts'
import { errorFacts, shownError } from './error-facts.ts'
import type { Listeners } from './listeners.ts'
import type { Roster } from './roster.ts'
import { foldRun } from './run-progress.ts'
import { isMissed } from './schedule.ts'
import { stateOf, type RunUnderWay, type ServedSource } from './served-source.ts'

export interface RunnerOptions {
  readonly roster: Roster
  readonly listeners: Listeners
  readonly snapshots: SnapshotWork
  readonly clock: Clock
  /** From 0 to less than 1. */
  readonly random: () => number
  readonly log: Log
  readonly runOne: typeof runSource
  readonly onEnded: (served: ServedSource) => void
  /** Of what no further run can mend. */
  readonly onBroken: (error: StokerError) => void
}

/** Subscribers are told of a run's steps at once, of its counts no more often than this. */
const TELL_EVERY_MS = 250

export class Runner {
  private readonly options: RunnerOptions

  constructor(options: RunnerOptions) {
    this.options = options
  }

  /** @param context of the configuration in force, which the run ends under; its signal is the run's own */
  begin(served: ServedSource, context: WorkerContext): void {
    const abort = new AbortController()
    const underWay: RunUnderWay = { abort, fold: undefined, toldMs: -Infinity, ended: Promise.resolve() }
    served.underWay = underWay
    underWay.ended = this.pursue(served, underWay, context)
  }

  /** Never rejects. */
  private async pursue(served: ServedSource, underWay: RunUnderWay, context: WorkerContext): Promise<void> {
    const { roster, clock, runOne, onEnded } = this.options
    const { full, source } = served
    const { signal } = underWay.abort
    served.full = false
    const observe = (event: RunEvent) => {
      context.observe(event)
      this.observe(served, underWay, event)
    }
    try {
      const outcome = await runOne({ ...context, observe, signal }, source, full)
      Object.assign(served, { failures: 0, error: undefined, underWay: undefined })
      roster.happened(served, 'succeeded')
      const { schedule } = served.config
      // An old run that was taken to its end does not make up for the times since.
      const isBehind = outcome.resumed && schedule !== undefined && isMissed(schedule, outcome.startedAt, clock.now())
      if (isBehind) roster.happened(served, 'scheduled')
    } catch (error) {
      served.underWay = undefined
      // What was asked for wholly still is.
      served.full ||= full
      if (signal.aborted) {
        roster.happened(served, 'stopped')
      } else {
        this.failed(served, error, underWay.fold?.progress.run)
        onEnded(served)
        return this.checkDatabase(context)
      }
    }
    onEnded(served)
  }

  private failed(served: ServedSource, error: unknown, run: number | undefined): void {
    const { roster, listeners, clock, log, random } = this.options
    const now = clock.now()
    const shown = shownError(error)
    served.failures += 1
    served.error = { at: now, run, ...shown }
    const { failures, nextAt } = served
    const again = retryAt({ failures, retryable: shown.retryable, now, nextAt, random: random() })
    roster.happened(served, again === undefined ? 'gaveUp' : 'failed')
    served.retryAt = again
    const facts = { source: served.config.name, run, failures, retryAt: again?.toISOString(), ...errorFacts(error) }
    log.error(
      facts,
      again === undefined ? 'source failed: it waits until it is asked for' : 'source failed: it is tried again',
    )
    listeners.tell({ kind: 'source', state: stateOf(served) })
  }

  /** A disk that is full at the wrong moment puts an end to the database for this process; the next one finds it whole. */
  private async checkDatabase({ database }: WorkerContext): Promise<void> {
    try {
      await database.using((session) => session.first('SELECT 1 AS one'))
    } catch (cause) {
      const error = new StokerError('STORE_DEAD', 'this process can no longer use the database of the lake', {
        retryable: true,
        hint: 'start the worker again: what was committed is in the lake, and runs go on where they stopped',
        cause,
      })
      this.options.onBroken(error)
    }
  }

  private observe(served: ServedSource, underWay: RunUnderWay, event: RunEvent): void {
    const { listeners, snapshots, clock } = this.options
    const now = clock.now()
    const step = underWay.fold?.progress.step
    underWay.fold = foldRun(underWay.fold, event, now)
    listeners.tell({ kind: 'run', event })
    if (event.kind === 'published') {
      listeners.tell({ kind: 'published', source: event.source, run: event.run, snapshot: event.snapshot })
      snapshots.offer(event.snapshot)
    }
    if (underWay.fold?.progress.step === step && now.getTime() - underWay.toldMs < TELL_EVERY_MS) return
    underWay.toldMs = now.getTime()
    listeners.tell({ kind: 'source', state: stateOf(served) })
  }
}

/** What the page, the API and the metrics see of a running worker, and what they may ask of it. */
import type { Schedule } from '../app/config-schedule.ts'
import type { RunMode } from '../ledger/runs.ts'
import type { RunEvent } from '../worker/events.ts'

export interface Control {
  readonly startedAt: Date
  /** Grows while the worker lives; a health check looks whether it still does. */
  readonly heartbeat: Heartbeat
  /** Undefined: since the start the configuration was not read again. */
  readonly lastReload: LastReload | undefined
  /** In the order of the configuration. */
  sources(): readonly SourceState[]
  /** Listeners must be quick and must not throw. @returns takes the listener away */
  subscribe(listener: (event: ServiceEvent) => void): () => void
  /**
   * Asks for a run now, whatever the schedule says. A source that runs or waits for its turn is not asked twice.
   * @throws StokerError SOURCE_UNKNOWN, WORKER_STOPPING
   */
  trigger(source: string, options: { readonly full: boolean }): TriggerAnswer
  /**
   * Ends the source's run, with its export on the server, as `stoker cancel` does.
   * @throws StokerError SOURCE_UNKNOWN, or what `stoker cancel` would say
   */
  cancel(source: string): Promise<CancelAnswer>
  /** Reads the configuration again: as a whole, or not at all. */
  reload(): Promise<ReloadAnswer>
}

/** queued: it begins when it is its turn. already: it runs, or waits for its turn. */
export type TriggerAnswer = 'queued' | 'already'

export interface CancelAnswer {
  /** Undefined: there was nothing to cancel. */
  readonly run: number | undefined
}

export type ReloadAnswer =
  | { readonly kind: 'reloaded'; readonly changed: readonly string[] }
  /** The old configuration stays in force. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

/** How the last reload ended, whoever asked for it. */
export interface LastReload {
  readonly at: Date
  /** False: the file is not what the worker goes by. */
  readonly ok: boolean
  /** Why it was refused. */
  readonly error: Pick<SourceError, 'code' | 'message' | 'hint'> | undefined
}

export interface Heartbeat {
  readonly at: Date
  /** Bytes. */
  readonly rss: number
  readonly diskFree: number
  /** False: less than minimumFreeDisk is free. */
  readonly hasRoom: boolean
}

/**
 * idle: its time has not come, or it has no schedule. queued: others run first. running. backing-off: its last run failed
 * for now, and is tried again at `retryAt`.
 */
export type SourceActivity = 'idle' | 'queued' | 'running' | 'backing-off'

export interface SourceState {
  readonly name: string
  readonly activity: SourceActivity
  readonly schedule: Schedule | undefined
  /** By schedule, jitter included; undefined without one. */
  readonly nextAt: Date | undefined
  /** When a source that is backing off is tried again. */
  readonly retryAt: Date | undefined
  /** Runs that failed since the last one that did not; of those before the worker's start as many as the ledger has. */
  readonly failures: number
  /** Of the last of them. */
  readonly error: SourceError | undefined
  /** Of the run under way. */
  readonly progress: RunProgress | undefined
}

export interface SourceError {
  readonly at: Date
  readonly run: number | undefined
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
  /** Whether time may mend it. */
  readonly retryable: boolean
}

/** asking: kick-off. waiting: for the server. gathering: files on their way to the raw log. */
export type RunStep = 'asking' | 'waiting' | 'gathering' | 'merging' | 'publishing'

/** A run under way, gathered from its events: counts and names, no content. */
export interface RunProgress {
  readonly run: number
  readonly mode: RunMode
  readonly resumed: boolean
  readonly startedAt: Date
  readonly step: RunStep
  readonly stepAt: Date
  /** Undefined before the server listed any. */
  readonly files: { readonly landed: number; readonly lost: number; readonly of: number } | undefined
  /** Of files that landed and of those on their way. */
  readonly bytes: number
  readonly lines: number
  readonly resources: number
  readonly rejects: number
  /** Of the export, as its server says, from 0 to 100; never its words, which may name a patient. */
  readonly percentDone: number | undefined
  /** The last wait that an operator would wonder at. */
  readonly delayed: { readonly code: string; readonly untilAt: Date } | undefined
  /** Since when it waits for its place among the runs that work. */
  readonly queuedAt?: Date | undefined
  readonly tables: { readonly done: number; readonly of: number; readonly now: string | undefined } | undefined
}

export type ServiceEvent =
  | { readonly kind: 'run'; readonly event: RunEvent }
  | { readonly kind: 'source'; readonly state: SourceState }
  | { readonly kind: 'published'; readonly source: string; readonly run: number; readonly snapshot: number }
  /** Cohorts were run over this snapshot. */
  | { readonly kind: 'cohorts'; readonly snapshot: number }
  | { readonly kind: 'heartbeat'; readonly heartbeat: Heartbeat }
  | { readonly kind: 'reloaded'; readonly answer: ReloadAnswer }
  | { readonly kind: 'stopping' }

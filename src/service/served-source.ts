/** One source as the worker keeps it: how it is configured, what it does, and how its last run ended. */
import type { SourceConfig } from '../app/config-source.ts'
import type { Source } from '../worker/source.ts'
import type { CancelAnswer, SourceActivity, SourceError, SourceState } from './control.ts'
import type { RunFold } from './run-progress.ts'

export interface ServedSource {
  config: SourceConfig
  source: Source
  activity: SourceActivity
  nextAt: Date | undefined
  retryAt: Date | undefined
  failures: number
  error: SourceError | undefined
  /** The next run asks for everything. */
  full: boolean
  underWay: RunUnderWay | undefined
  /** An operator's wish that is being fulfilled: no run begins meanwhile. */
  cancelling: Promise<CancelAnswer> | undefined
  /** No longer configured: it goes when its run has ended. */
  isLeaving: boolean
}

export interface RunUnderWay {
  readonly abort: AbortController
  fold: RunFold | undefined
  /** When subscribers were last told of it, in milliseconds. */
  toldMs: number
  /** Resolves when it has ended, well or not. */
  ended: Promise<void>
}

export function newlyServed(config: SourceConfig, source: Source): ServedSource {
  return {
    ...{ config, source, activity: 'idle', nextAt: undefined, retryAt: undefined, failures: 0, error: undefined },
    ...{ full: false, underWay: undefined, cancelling: undefined, isLeaving: false },
  }
}

export function stateOf(served: ServedSource): SourceState {
  const { config, activity, nextAt, retryAt, failures, error, underWay } = served
  const progress = underWay?.fold?.progress
  return { name: config.name, activity, schedule: config.schedule, nextAt, retryAt, failures, error, progress }
}

/** What every step of the demo server works with: its addresses, its data, its jobs and how it shall behave. */
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { AccessTokens } from './access-tokens.ts'
import type { DemoBehaviour } from './behaviour.ts'
import type { DataFiles } from './data-files.ts'
import type { Exchange } from './exchange.ts'
import type { ExportJobs } from './export-jobs.ts'
import type { DemoRequestLog } from './request-log.ts'
import type { DemoStore } from './store.ts'

export interface DemoState {
  readonly baseUrl: string
  readonly tokenUrl: string
  readonly startedAt: Date
  readonly store: DemoStore
  readonly files: DataFiles
  readonly jobs: ExportJobs
  /** Undefined for a server without authorization. */
  readonly tokens: AccessTokens | undefined
  /** Types that `_type` may name: those of FHIR and those the store holds. */
  readonly knowsType: (type: string) => boolean
  behaviour: DemoBehaviour
  readonly requests: DemoRequestLog
  readonly clock: Clock
  readonly log: Log
}

/** Answers one exchange, or throws a Refusal. `names` are the values of the route's `:name` segments. */
export type Step = (
  state: DemoState,
  exchange: Exchange,
  names: Readonly<Record<string, string>>,
) => Promise<void> | void

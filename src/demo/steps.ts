/** What every step of the demo server works with: its addresses, its data, its jobs and how it shall behave. */
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { AccessTokens } from './token/access-tokens.ts'
import type { DemoBehaviour } from './behaviour.ts'
import type { CallBudget } from './call-budget.ts'
import type { DataFiles } from './data-files.ts'
import type { UrlSigner } from './download/url-signer.ts'
import type { Exchange } from './exchange.ts'
import type { ExportJobs } from './job/export-jobs.ts'
import type { Editions } from './publish/editions.ts'
import type { DemoRequestLog } from './request-log.ts'
import type { DemoStore } from './store.ts'

export interface DemoState {
  readonly baseUrl: string
  readonly tokenUrl: string
  /** Origin of the storage listener. */
  readonly storageUrl: string
  readonly signer: UrlSigner
  readonly startedAt: Date
  readonly store: DemoStore
  readonly files: DataFiles
  readonly jobs: ExportJobs
  readonly calls: CallBudget
  readonly editions: Editions
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

/** What the steps of a run work with. */
import type { BulkClient } from '../bulk/client.ts'
import type { Clock } from '../core/clock.ts'
import type { DiskGuard } from '../core/disk-space.ts'
import type { Log } from '../core/log.ts'
import type { Phases } from '../ledger/phases.ts'
import type { Database } from '../store/database.ts'
import type { Session } from '../store/session.ts'
import type { Keeping } from '../warehouse/keeping.ts'
import type { Lake } from '../warehouse/lake.ts'
import type { View } from '../warehouse/tables/view.ts'
import type { RunEventBody, RunObserver } from './events.ts'
import type { OneAtATime } from './one-at-a-time.ts'
import type { Place, Places } from './places.ts'
import type { Source } from './source.ts'

/** One open lake and all that a worker needs beside its sources. */
export interface WorkerContext {
  readonly lake: Lake
  readonly database: Database
  /** For the ledger's small statements; shared. */
  readonly ledger: Session
  /** Commits and publishings of runs that overlap; see `run.ts`. */
  readonly writing: OneAtATime
  /** For as many runs as may work at the same time. */
  readonly places: Places
  readonly views: readonly View[]
  readonly keeping: Keeping
  /** Of the lake's disk; see `room.ts` for what a step needs. */
  readonly disk: DiskGuard
  readonly clock: Clock
  readonly log: Log
  readonly observe: RunObserver
  /** Files fetched at the same time. */
  readonly downloads: number
  readonly memoryLimitBytes: number
  readonly stokerVersion: string
  /** Aborts when the process is asked to stop: a run ends where it is and goes on at the next start. */
  readonly signal: AbortSignal
}

/** One run of one source. */
export interface RunContext extends WorkerContext {
  readonly source: Source
  readonly client: BulkClient
  readonly run: number
  readonly phases: Phases
  readonly place: Place
  tell(event: RunEventBody): void
}

/** What is done with each new snapshot, one after the other: cohorts, and whoever else wants to look at it. */
import { isAbort } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { errorFacts } from './error-facts.ts'

/**
 * Called with the number of a published snapshot, never twice at once, and at the start with the newest one, which it may
 * know. Must end soon after `signal` aborts. What it throws is logged, and stops nothing.
 */
export interface AfterSnapshot {
  /** For logs; of `cohorts` subscribers are told when it is done. */
  readonly id: string
  readonly work: (snapshot: number, signal: AbortSignal) => Promise<void>
}

export class SnapshotWork {
  private readonly hooks: readonly AfterSnapshot[]
  private readonly log: Log
  private readonly onDone: (id: string, snapshot: number) => void
  private readonly stopping = new AbortController()
  private newest: number | undefined
  private working: Promise<void> | undefined

  constructor(hooks: readonly AfterSnapshot[], log: Log, onDone: (id: string, snapshot: number) => void) {
    this.hooks = hooks
    this.log = log
    this.onDone = onDone
  }

  /** Of snapshots that are published while one is worked on, only the newest is next. */
  offer(snapshot: number): void {
    this.newest = Math.max(snapshot, this.newest ?? 0)
    this.working ??= this.workOff().finally(() => (this.working = undefined))
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await this.working
  }

  private async workOff(): Promise<void> {
    const { signal } = this.stopping
    for (let snapshot = this.newest; snapshot !== undefined && !signal.aborted; snapshot = this.newest) {
      this.newest = undefined
      for (const { id, work } of this.hooks) {
        try {
          signal.throwIfAborted()
          await work(snapshot, signal)
          this.onDone(id, snapshot)
        } catch (error) {
          if (isAbort(error) && signal.aborted) return
          this.log.error({ hook: id, snapshot, ...errorFacts(error) }, `${id} failed after snapshot ${snapshot}`)
        }
      }
    }
  }
}

/** One at a time, in the order of asking: what runs of several sources must not do together. */
import { unlessAborted } from '../bulk/http/unless-aborted.ts'

export class OneAtATime {
  private last: Promise<void> = Promise.resolve()

  /** Runs `work` when all that was asked for before it has ended, well or not; rejects as soon as `signal` aborts. */
  during<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.last
    const turn = unlessAborted(before, signal).then(work)
    // Whoever gives up must not let the next ones pass those still before it.
    this.last = Promise.allSettled([before, turn]).then(() => undefined)
    return turn
  }
}

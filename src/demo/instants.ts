/** The store's own time: every instant it hands out is later than all before it, so no change ties with an export. */
import type { Clock } from '../core/clock.ts'

export interface Instants {
  /** The clock's time, or one millisecond after the last instant handed out or observed, whichever is later. */
  next(): Date
  /** Tells of an instant that already stands in the data; later ones will be after it. */
  observe(ms: number): void
}

export function monotonicInstants(clock: Clock): Instants {
  let lastMs = 0
  return {
    next() {
      lastMs = Math.max(clock.now().getTime(), lastMs + 1)
      return new Date(lastMs)
    },
    observe(ms) {
      lastMs = Math.max(lastMs, ms)
    },
  }
}

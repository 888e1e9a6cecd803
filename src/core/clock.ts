/** Time as an argument: the process clock, and the shape a test's clock has. */
import { setTimeout as delay } from 'node:timers/promises'

export interface Clock {
  now(): Date
  /** Resolves after `ms` milliseconds; rejects with an AbortError as soon as `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Longest single timer Node accepts (2^31 − 1 ms, 24.8 days); longer sleeps are made of several. */
const TIMER_MS_MAX = 2_147_483_647

export const systemClock: Clock = {
  now: () => new Date(),
  async sleep(ms, signal) {
    for (let left = Math.max(0, ms); ; left -= TIMER_MS_MAX) {
      await delay(Math.min(left, TIMER_MS_MAX), undefined, signal ? { signal } : {})
      if (left <= TIMER_MS_MAX) return
    }
  },
}

/** How often and how soon a request is sent again. */
import type { Step, Verdict } from './retry-policy.ts'

export interface RetryLimits {
  /** Tries of one request altogether; while it waits for something with a deadline, only the deadline counts. */
  readonly attemptsMax: number
  /** Tries where the answer is most likely the last word. */
  readonly doubtfulAttemptsMax: number
  readonly firstWaitMs: number
  readonly waitMsMax: number
  /** Longest `Retry-After` that is followed. */
  readonly retryAfterMsMax: number
}

export const RETRY_LIMITS: RetryLimits = {
  attemptsMax: 7,
  doubtfulAttemptsMax: 3,
  firstWaitMs: 500,
  waitMsMax: 60_000,
  // Oracle asks for up to 5 hours.
  retryAfterMsMax: 6 * 3_600_000,
}

/** Between two polls, and after a Retry-After: at least a second, whatever the server says (its 0 would be a busy loop). */
export const POLL_MS_MIN = 1000

/** A status of 500 may be a proxy's or the export's own: with this, seven tries take about four minutes. */
const DOUBTFUL_STATUS_FIRST_WAIT_MS = 10_000

/** Whether the request is sent once more. `attempt` counts from 1. */
export function mayTryAgain(
  verdict: Verdict,
  attempt: number,
  msLeft: number | undefined,
  limits: RetryLimits,
): boolean {
  if (msLeft !== undefined && msLeft <= 0) return false
  if (verdict === 'wait' && msLeft !== undefined) return true
  if (verdict === 'doubt') return attempt < Math.min(limits.attemptsMax, limits.doubtfulAttemptsMax)
  return (verdict === 'wait' || verdict === 'retry') && attempt < limits.attemptsMax
}

/**
 * How long to wait before the next try: longer each time, and not shorter than the server asks.
 * @param askedMs of `Retry-After`, if the server sent one
 */
export function waitMs(
  step: Step,
  verdict: Verdict,
  attempt: number,
  askedMs: number | undefined,
  limits: RetryLimits,
  random: () => number,
): number {
  const floorMs = step === 'status' || askedMs !== undefined ? POLL_MS_MIN : 0
  const firstMs = step === 'status' && verdict === 'retry' ? DOUBTFUL_STATUS_FIRST_WAIT_MS : limits.firstWaitMs
  const ownMs = backoffMs(attempt, firstMs, limits, random)
  return Math.min(limits.retryAfterMsMax, Math.max(floorMs, askedMs ?? 0, ownMs))
}

/** Jitter over the upper half: many clients that failed together must not come back together. */
function backoffMs(attempt: number, firstMs: number, limits: RetryLimits, random: () => number): number {
  const ceiling = Math.min(limits.waitMsMax, firstMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(ceiling * (0.5 + random() / 2))
}

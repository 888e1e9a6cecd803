/** One table for every step: which answers mean wait and try again, sign in again, start again, or give up. */

/** What the request was for: the same status means different things. */
export type Step = 'discovery' | 'token' | 'kick-off' | 'status' | 'file' | 'release'

export type Verdict =
  | 'accept'
  | 'retry'
  /** The token is no longer good: get another one, once. */
  | 'sign-in-again'
  /** The server no longer knows the export. */
  | 'gone'
  /** The server no longer has, or does not give, this file. */
  | 'lost'
  | 'give-up'

/** Statuses that pass by themselves: RFC 9110 §15, RFC 6585 §4. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

/** http://hl7.org/fhir/issue-type: the codes under `transient`, with which a server says that trying again may help. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'transient',
  'lock-error',
  'no-store',
  'timeout',
  'incomplete',
  'throttled',
])

/** @param issueCodes of the OperationOutcome in the answer, if it holds one */
export function judge(step: Step, status: number, issueCodes: readonly string[]): Verdict {
  if (status >= 200 && status < 300) return 'accept'
  if (status === 401 && step !== 'token' && step !== 'discovery') return 'sign-in-again'
  // A second DELETE, or one of a finished job (HAPI), answers 404: what was asked for is so.
  if (step === 'release' && (status === 404 || status === 410)) return 'accept'
  if (step === 'status' && (status === 404 || status === 410)) return 'gone'
  if (step === 'file' && [400, 403, 404, 410].includes(status)) return 'lost'
  if (issueCodes.some((code) => PASSING_CODES.has(code)) || PASSING_STATUSES.has(status)) return 'retry'
  return 'give-up'
}

export interface RetryLimits {
  /** Tries of one request altogether. */
  readonly attemptsMax: number
  readonly firstWaitMs: number
  readonly waitMsMax: number
  /** Longest `Retry-After` that is followed; Oracle asks for up to 5 hours, and asking sooner does no harm. */
  readonly retryAfterMsMax: number
}

export const RETRY_LIMITS: RetryLimits = {
  attemptsMax: 7,
  firstWaitMs: 500,
  waitMsMax: 60_000,
  retryAfterMsMax: 3_600_000,
}

/** Between two polls: at least a second, whatever the server says (its 0 would be a busy loop). */
export const POLL_MS_MIN = 1000

/**
 * How long to wait before the next try: longer each time, and not shorter than the server asks.
 * @param askedMs of `Retry-After`, if the server sent one
 */
export function waitMs(
  step: Step,
  attempt: number,
  askedMs: number | undefined,
  limits: RetryLimits,
  random: () => number,
): number {
  const floorMs = step === 'status' || askedMs !== undefined ? POLL_MS_MIN : 0
  return Math.min(limits.retryAfterMsMax, Math.max(floorMs, askedMs ?? 0, backoffMs(attempt, limits, random)))
}

/** Full jitter: many clients that failed together must not come back together. `attempt` counts from 1. */
function backoffMs(attempt: number, limits: RetryLimits, random: () => number): number {
  const ceiling = Math.min(limits.waitMsMax, limits.firstWaitMs * 2 ** (attempt - 1))
  return Math.round(ceiling * (0.5 + random() / 2))
}

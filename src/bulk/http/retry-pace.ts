/** How often and how soon a request is sent again. */
import type { Step, Verdict } from './retry-policy.ts'

export interface RetryLimits {
  /** Tries of one request that end alike; while it waits for something with a deadline, only the deadline counts. */
  readonly attemptsMax: number
  /** Tries where the answer is most likely the last word; see {@link DOUBT} for steps with a pace of their own. */
  readonly doubtfulAttemptsMax: number
  readonly firstWaitMs: number
  readonly waitMsMax: number
  /** Longest `Retry-After` that is followed. */
  readonly retryAfterMsMax: number
  /** For one try, from its sign-in to the head of its answer; undefined: as long as connections live. */
  readonly tryMsMax: number | undefined
}

export const RETRY_LIMITS: RetryLimits = {
  attemptsMax: 7,
  doubtfulAttemptsMax: 3,
  firstWaitMs: 500,
  waitMsMax: 60_000,
  // Oracle asks for up to 5 hours.
  retryAfterMsMax: 6 * 3_600_000,
  tryMsMax: undefined,
}

/** For a check, where somebody sits and waits: an answer, or none, within fifteen seconds. */
export const CHECK_LIMITS: RetryLimits = { ...RETRY_LIMITS, attemptsMax: 2, tryMsMax: 7_000 }

/** Three tries of a deletion end within twenty seconds where a server is silent. */
const RELEASE_TRY_MS_MAX = 6_000

/** For one try, see {@link RetryLimits.tryMsMax}. */
export function tryMsMax(step: Step, limits: RetryLimits): number | undefined {
  return step === 'release' ? Math.min(RELEASE_TRY_MS_MAX, limits.tryMsMax ?? Infinity) : limits.tryMsMax
}

/** Between two polls, and after a Retry-After: at least a second, whatever the server says (its 0 would be a busy loop). */
export const POLL_MS_MIN = 1000

type Pace = Pick<RetryLimits, 'attemptsMax' | 'firstWaitMs' | 'waitMsMax'>

/**
 * - status: what would end an export of days is believed after five tries, over five minutes at least.
 * - kick-off: each try may begin an export.
 */
const DOUBT: Readonly<Partial<Record<Step, Partial<Pace>>>> = {
  status: { attemptsMax: 5, firstWaitMs: 40_000, waitMsMax: 320_000 },
  'kick-off': { attemptsMax: 2 },
}

/** The server's own word that an export is gone is believed after a minute at least: one that has just begun may be told late. */
const GONE: Pace = { attemptsMax: 3, firstWaitMs: 40_000, waitMsMax: 80_000 }

function paceOf(step: Step, verdict: Verdict, limits: RetryLimits): Pace {
  const within = (pace: Pace): Pace => ({ ...pace, attemptsMax: Math.min(limits.attemptsMax, pace.attemptsMax) })
  switch (verdict) {
    case 'wait':
    case 'retry':
      return limits
    case 'doubt':
      return within({ ...limits, attemptsMax: limits.doubtfulAttemptsMax, ...DOUBT[step] })
    case 'start-again':
      return within(GONE)
    default:
      return { ...limits, attemptsMax: 1 }
  }
}

/** Whether the request is sent once more. `attempt` counts the tries that ended with this verdict, from 1. */
export function mayTryAgain(
  step: Step,
  verdict: Verdict,
  attempt: number,
  msLeft: number | undefined,
  limits: RetryLimits,
): boolean {
  if (msLeft !== undefined && msLeft <= 0) return false
  if (verdict === 'wait' && msLeft !== undefined) return true
  return attempt < paceOf(step, verdict, limits).attemptsMax
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
  const ownMs = backoffMs(attempt, paceOf(step, verdict, limits), random)
  return Math.min(limits.retryAfterMsMax, Math.max(floorMs, askedMs ?? 0, ownMs))
}

/** Jitter over the upper half: many clients that failed together must not come back together. */
function backoffMs(attempt: number, { firstWaitMs, waitMsMax }: Pace, random: () => number): number {
  const ceiling = Math.min(waitMsMax, firstWaitMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(ceiling * (0.5 + random() / 2))
}

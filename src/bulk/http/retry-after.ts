/** `Retry-After` as servers really send it: seconds, an HTTP-date, epoch seconds or epoch milliseconds. */
import { headerDate } from './header-date.ts'

/** Below this a number is a span in seconds; above it, an instant (seconds since 1970 reached 1e9 in 2001). */
const EPOCH_SECONDS_MIN = 1e9
const EPOCH_MILLISECONDS_MIN = 1e12
/** Longer than any export is waited for: a mistake, not a wish. */
const ABSURD_MS = 31 * 86_400_000

/**
 * Milliseconds to wait from `now`, 0 at least; undefined when the header is absent, absurd or can't be understood. What
 * it is kept to is the asker's affair ({@link RetryLimits}).
 * RFC 9110 §10.2.3 knows seconds and HTTP-date; the reference server sends epoch milliseconds and seconds with a 429.
 */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim()
  if (!text) return undefined
  const ms = /^\d+(\.\d+)?$/.test(text) ? spanMs(Number(text), now) : dateMs(text, now)
  return ms === undefined || ms > ABSURD_MS ? undefined : Math.max(0, ms)
}

function spanMs(number: number, now: Date): number {
  if (number >= EPOCH_MILLISECONDS_MIN) return number - now.getTime()
  if (number >= EPOCH_SECONDS_MIN) return number * 1000 - now.getTime()
  return number * 1000
}

function dateMs(text: string, now: Date): number | undefined {
  const date = headerDate(text)
  return date === undefined ? undefined : date.getTime() - now.getTime()
}

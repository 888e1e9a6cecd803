/** `Retry-After` as servers really send it: seconds, an HTTP-date, epoch seconds or epoch milliseconds. */

/** Below this a number is a span in seconds; above it, an instant (seconds since 1970 reached 1e9 in 2001). */
const EPOCH_SECONDS_MIN = 1e9
const EPOCH_MILLISECONDS_MIN = 1e12
/** HTTP-date of today or of RFC 850, or ISO 8601: `Date.parse` alone makes a date of "in 5 hours". */
const DATE = /^([A-Z][a-z]{2,8}, ?\d|\d{4}-\d\d-\d\dT)/

/**
 * Milliseconds to wait from `now`; undefined when the header is absent or can't be understood. Not clamped.
 * RFC 9110 §10.2.3 knows seconds and HTTP-date; the reference server sends epoch milliseconds and seconds with a 429.
 */
export function retryAfterMs(header: string | undefined, now: Date): number | undefined {
  const text = header?.trim()
  if (!text) return undefined
  if (/^\d+(\.\d+)?$/.test(text)) {
    const number = Number(text)
    if (number >= EPOCH_MILLISECONDS_MIN) return Math.max(0, number - now.getTime())
    if (number >= EPOCH_SECONDS_MIN) return Math.max(0, number * 1000 - now.getTime())
    return number * 1000
  }
  const instant = DATE.test(text) ? Date.parse(text) : NaN
  return Number.isNaN(instant) ? undefined : Math.max(0, instant - now.getTime())
}

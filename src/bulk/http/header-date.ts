/** Dates in headers. */

/** HTTP-date of today or of RFC 850, or ISO 8601: the date's parser alone makes a date of "in 5 hours", and of "0". */
const DATE = /^([A-Z][a-z]{2,8}, ?\d|\d{4}-\d\d-\d\dT)/

/** Undefined where there is none, or what can not be understood. */
export function headerDate(text: string | undefined): Date | undefined {
  const trimmed = text?.trim() ?? ''
  const date = new Date(DATE.test(trimmed) ? trimmed : NaN)
  return Number.isNaN(date.getTime()) ? undefined : date
}

/** `Expires` that is still to come: web frameworks send one of long ago, so that nobody caches the answer. */
export function expiryOf(text: string | undefined, now: Date): Date | undefined {
  const date = headerDate(text)
  return date !== undefined && date > now ? date : undefined
}

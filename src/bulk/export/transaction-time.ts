/** `transactionTime` as servers write it: a FHIR instant, or something less. */

const PARTS = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?)?$/i

/** Where it is earliest on earth when a clock without a zone shows a time. */
const EARLIEST_ZONE = '+14:00'

/**
 * The earliest instant that the text can mean, to the millisecond: what was changed later must be asked for again. FHIR
 * wants seconds and a zone; without a zone it may be any, without a time it is the day's beginning. Undefined where it is
 * no date at all.
 */
export function earliestInstant(text: string): Date | undefined {
  const parts = PARTS.exec(text.trim())
  if (parts === null) return undefined
  const [, date, minutes = '00:00', seconds = ':00', fraction = '', zone = EARLIEST_ZONE] = parts
  const colons = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase()
  const instant = new Date(`${date}T${minutes}${seconds}${fraction.slice(0, 4)}${colons}`)
  return Number.isNaN(instant.getTime()) ? undefined : instant
}

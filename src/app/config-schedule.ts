/** When a source is brought up to date, and from when its history is asked for. */
import { Cron } from 'croner'
import type { SincePolicy, SourceConfig } from './config.ts'
import type { ConfigFields } from './config-fields.ts'
import { nearestName } from '../core/nearest-name.ts'

const TIME_ZONE_DEFAULT = 'UTC'
const OVERLAP_SECONDS_DEFAULT = 300

/** Undefined when there is none or a mistake was reported. */
export function readSchedule(fields: ConfigFields): SourceConfig['schedule'] {
  const timeZone = fields.text('timeZone') ?? TIME_ZONE_DEFAULT
  if (!isTimeZone(timeZone)) {
    const nearest = nearestName(timeZone, Intl.supportedValuesOf('timeZone'))
    const wayOut = nearest === undefined ? 'Use an IANA name: Europe/Berlin, UTC.' : `Did you mean '${nearest}'?`
    fields.mistake('timeZone', 'there is no such time zone', wayOut)
  }
  const cron = fields.text('cron')
  if (cron === undefined) return undefined
  const trouble = cronTrouble(cron)
  if (trouble !== undefined) {
    fields.mistake('cron', trouble, "Five fields: minute hour day month weekday; '15 2 * * *' is 2:15 each night.")
  }
  return { cron, timeZone }
}

/** `_since` policy; the schema has seen to the ranges. */
export function readSince(fields: ConfigFields): SincePolicy {
  const firstLoad = fields.text('firstLoad')
  if (firstLoad !== undefined && !isInstant(firstLoad)) {
    fields.mistake('firstLoad', 'is no FHIR instant', 'Write date, time and zone: 1900-01-01T00:00:00Z.')
  }
  return {
    firstLoad,
    mode: fields.text('mode') === 'full' ? 'full' : 'incremental',
    overlapSeconds: fields.number('overlapSeconds') ?? OVERLAP_SECONDS_DEFAULT,
  }
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}

function cronTrouble(cron: string): string | undefined {
  // Croner would also take a date for a single run, and more fields than anybody expects.
  if (!/^(\S+\s+){4,5}\S+$/.test(cron.trim())) return 'does not have five fields (or six, with seconds)'
  try {
    // A pattern of five or six fields names no year: whether it ever comes does not depend on today.
    const next = new Cron(cron, { paused: true, timezone: 'UTC' }).nextRun(new Date('2024-01-01T00:00:00Z'))
    return next ? undefined : 'names a time that never comes'
  } catch {
    return 'is no cron pattern'
  }
}

/** `instant` of FHIR: seconds and zone are required; 30 February and 25 o'clock are none. */
function isInstant(text: string): boolean {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-](0\d|1[0-4]):[0-5]\d)$/.exec(text)
  const asUtc = new Date(`${match?.[1] ?? ''}Z`)
  return match !== null && !Number.isNaN(asUtc.getTime()) && asUtc.toISOString().startsWith(match[1]!)
}

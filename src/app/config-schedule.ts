/** When a source is brought up to date, and from when its history is asked for. */
import { Cron } from 'croner'
import type { ServerProfile } from '../bulk/server/profile.ts'
import type { ExportLevel } from '../bulk/server/level.ts'
import type { ConfigFields } from './config-fields.ts'
import { isInstant } from './config-instant.ts'
import { nearestName } from '../core/nearest-name.ts'

export interface Schedule {
  /** Five fields, or six with seconds first. */
  readonly cron: string
  /** IANA name. */
  readonly timeZone: string
}

export interface SincePolicy {
  /** FHIR instant sent as `_since` when a type has no watermark yet; undefined sends none. */
  readonly firstLoad: string | undefined
  /** `full` asks for everything every time, `incremental` for what changed since the watermark. */
  readonly mode: 'incremental' | 'full'
  /** How far `_since` reaches back behind the watermark. */
  readonly overlapSeconds: number
}

const TIME_ZONE_DEFAULT = 'UTC'

/** Undefined when there is none or a mistake was reported. */
export function readSchedule(fields: ConfigFields): Schedule | undefined {
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

/**
 * `_since` policy, with what the server's profile says where the source does not; the schema has seen to the ranges. A
 * server whose increments lack something is asked for everything, unless the source says otherwise.
 */
export function readSince(fields: ConfigFields, profile: ServerProfile, level: ExportLevel['kind']): SincePolicy {
  const named = fields.text('firstLoad')
  const firstLoad = named === NO_FIRST_LOAD ? undefined : (named ?? profile.firstLoad)
  if (firstLoad !== undefined && !isInstant(firstLoad)) {
    fields.mistake('firstLoad', 'is no FHIR instant', 'Write date, time and zone (1900-01-01T00:00:00Z), or none.')
  }
  return {
    firstLoad,
    mode: readMode(fields, profile, level),
    overlapSeconds: fields.number('overlapSeconds') ?? profile.overlapSeconds,
  }
}

/** Takes a profile's `firstLoad` back. */
const NO_FIRST_LOAD = 'none'

function readMode(fields: ConfigFields, profile: ServerProfile, level: ExportLevel['kind']): SincePolicy['mode'] {
  const mode = fields.text('mode')
  const canIncrement = profile.kickOff.reads.includes('_since')
  const isComplete = level !== 'group' || profile.groupSince === 'complete'
  if (mode === 'incremental' && !canIncrement) {
    const problem = `servers of profile ${profile.name} do not read _since`
    fields.mistake('mode', problem, 'Set mode: full, or name another profile if this server reads it.')
  } else if (mode === 'incremental' && !isComplete) {
    const problem = `Group exports with _since of servers of profile ${profile.name} lack some of what changed`
    fields.warning('mode', problem, 'Set mode: full, or leave it out, to miss nothing.')
  }
  if (mode === 'full') return 'full'
  return mode === 'incremental' || (canIncrement && isComplete) ? 'incremental' : 'full'
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

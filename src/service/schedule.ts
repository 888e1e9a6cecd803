/** When a source's time comes: cron patterns in its time zone, missed times, jitter. Pure. */
import { Cron } from 'croner'
import type { Schedule } from '../app/config-schedule.ts'
import { firstChange, offsetMs, type ZoneChange } from './zone.ts'

/** An overlap is this long at most; what repeated before is of no concern. */
const OVERLAP_MS_MAX = 3 * 3_600_000

/**
 * The first time after `after`; undefined when it never comes. Where clocks are put forward, times that are left out
 * come together at once, when the gap ends. Where they are put back, a pattern with fixed minutes and hours (`30 2 * * *`)
 * comes once, at the first of the two; one that repeats (`*` among its minutes or hours) goes on through both.
 *
 * The pattern is asked for times on the wall alone, as if that were UTC: croner's own reckoning of zones (10.0) gives
 * times before `after` in an overlap, and leaves its second half out.
 */
export function nextTime({ cron, timeZone }: Schedule, after: Date): Date | undefined {
  const pattern = new Cron(cron, { paused: true, timezone: 'UTC' })
  // Both as instants: where the search began, and since when the offset is in force.
  let fromMs = after.getTime()
  let spellMs = fromMs
  let offset = offsetMs(timeZone, fromMs)
  const past = repeatsTimes(cron) ? undefined : firstChange(timeZone, fromMs - OVERLAP_MS_MAX, fromMs)
  if (past !== undefined) fromMs = Math.max(fromMs, repeatedUntil(past) - 1)
  for (;;) {
    const wall = pattern.nextRun(new Date(fromMs + offset))?.getTime()
    if (wall === undefined) return undefined
    const change = firstChange(timeZone, spellMs, wall - offset)
    if (change === undefined) return new Date(wall - offset)
    const isLeftOut = wall < change.atMs + change.afterMs
    if (isLeftOut) return new Date(change.atMs)
    spellMs = change.atMs
    offset = change.afterMs
    fromMs = (repeatsTimes(cron) ? change.atMs : repeatedUntil(change)) - 1
  }
}

/** Whether a time came between the last run's start and now. What never ran has missed nothing: its first time is the next. */
export function isMissed(schedule: Schedule, lastStart: Date | undefined, now: Date): boolean {
  if (lastStart === undefined) return false
  const next = nextTime(schedule, lastStart)
  return next !== undefined && next <= now
}

/**
 * The first time after `after`, and a random part of the jitter: never as much as the time after that.
 * @param random from 0 to less than 1
 */
export function nextWithJitter(
  schedule: Schedule,
  after: Date,
  jitterSeconds: number,
  random: () => number,
): Date | undefined {
  const next = nextTime(schedule, after)
  const following = next === undefined ? undefined : nextTime(schedule, next)
  if (next === undefined) return undefined
  const gapMs = following === undefined ? Infinity : following.getTime() - next.getTime()
  return new Date(next.getTime() + Math.floor(random() * Math.min(jitterSeconds * 1000, gapMs)))
}

function repeatsTimes(cron: string): boolean {
  const fields = cron.trim().split(/\s+/)
  return fields.slice(-5, -3).some((field) => field.includes('*'))
}

/** The instant at which the wall shows what it showed when it was put back; of a gap, its end. */
function repeatedUntil({ atMs, beforeMs, afterMs }: ZoneChange): number {
  return atMs + Math.max(0, beforeMs - afterMs)
}

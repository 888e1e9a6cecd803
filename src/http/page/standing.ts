/** How a source stands, in a word: whether somebody should look at it, or whether it mends itself. */
import type { Schedule } from '../../app/config-schedule.ts'
import { nextTime } from '../../service/schedule.ts'
import type { IconName } from './icon.ts'
import type { SourceGlance } from './source-glance.ts'

export interface Standing {
  readonly sign: IconName
  readonly word: string
  /** look: somebody should look at it. again: it is tried again by itself, and its data is not late yet. */
  readonly trouble: 'look' | 'again' | undefined
}

/** After so many failures in a row, trying again alone is no help. */
const TRIES_MAX = 5
/** Late: a whole time of its schedule was passed over, and so long, or twice as long as a run takes, after it. */
const LATE_MS_MIN = 3_600_000
/** A run that stood open for days says nothing of the next. */
const TOOK_MS_MAX = 86_400_000

/** What it does now comes before how it was. */
export function standingOf(glance: SourceGlance, now: Date): Standing {
  const { state, held, newest, types, failure } = glance
  if (state === undefined) return { sign: 'idle', word: 'not configured', trouble: undefined }
  const trouble = troubleOf(glance, now)
  switch (state.activity) {
    case 'running':
      return isTriedAgain(glance)
        ? { sign: 'warn', word: 'trying again', trouble }
        : { sign: 'run', word: 'running', trouble }
    case 'queued':
      return { sign: 'wait', word: 'waits for its turn', trouble }
    case 'backing-off':
      return trouble === 'look'
        ? { sign: 'bad', word: 'failing, tries again', trouble }
        : { sign: 'warn', word: 'trying again', trouble }
    case 'idle':
      if (failure !== undefined) return { sign: 'bad', word: 'failed', trouble }
      if (held.length > 0) return { sign: 'warn', word: 'types held back', trouble }
      if (isLate(glance, now)) return { sign: 'warn', word: 'late', trouble }
      if (newest !== undefined) return { sign: 'ok', word: 'up to date', trouble }
      return types.some(({ resources }) => resources > 0)
        ? { sign: 'warn', word: 'no watermark', trouble }
        : { sign: 'idle', word: 'no data yet', trouble }
  }
}

function troubleOf(glance: SourceGlance, now: Date): Standing['trouble'] {
  const { state, held, failure } = glance
  const isOver = state?.activity === 'idle' && failure !== undefined
  if (isOver || held.length > 0 || isLate(glance, now) || (failure?.times ?? 0) >= TRIES_MAX) return 'look'
  return isTriedAgain(glance) ? 'again' : undefined
}

/** The run before failed, this one goes on after an error, or it waits because a call failed. */
function isTriedAgain({ state, failure }: SourceGlance): boolean {
  if (state === undefined) return false
  const { activity, failures, progress } = state
  // A delay stands until something comes of the try after it.
  return activity === 'backing-off' || failures > 0 || failure !== undefined || progress?.delayed !== undefined
}

/** By far: twice its time came, and what the data is as of is still older. */
export function isLate({ state, newest, tookMs = 0 }: SourceGlance, now: Date): boolean {
  if (state?.schedule === undefined || newest === undefined) return false
  const first = timeAfter(state.schedule, newest)
  const second = first && timeAfter(state.schedule, first)
  const grace = Math.max(LATE_MS_MIN, 2 * Math.min(tookMs, TOOK_MS_MAX))
  return second !== undefined && now.getTime() > second.getTime() + grace
}

/** The page that shows a pattern does not fail of it: one that can not be read has no times. */
function timeAfter(schedule: Schedule, after: Date): Date | undefined {
  try {
    return nextTime(schedule, after)
  } catch {
    return undefined
  }
}

/** A time zone as a schedule needs it: what clocks on the wall show at an instant, and when they are put forward or back. */

const FORMATS = new Map<string, Intl.DateTimeFormat>()

/** Of the clocks on the wall, in milliseconds ahead of UTC. */
export function offsetMs(timeZone: string, instantMs: number): number {
  const whole = Math.floor(instantMs / 1000) * 1000
  return wallMs(timeZone, whole) - whole
}

export interface ZoneChange {
  /** The first instant of the new offset. */
  readonly atMs: number
  readonly beforeMs: number
  readonly afterMs: number
}

/** No zone keeps an offset for less than this and goes back (Morocco's Ramadan is the shortest spell, some 30 days). */
const SPELL_MS = 7 * 86_400_000

/** The first change after `fromMs`, no later than `toMs`. */
export function firstChange(timeZone: string, fromMs: number, toMs: number): ZoneChange | undefined {
  const beforeMs = offsetMs(timeZone, fromMs)
  for (let low = fromMs; low < toMs; low += SPELL_MS) {
    let high = Math.min(low + SPELL_MS, toMs)
    if (offsetMs(timeZone, high) === beforeMs) continue
    let same = low
    while (high - same > 1) {
      const middle = Math.floor((same + high) / 2)
      if (offsetMs(timeZone, middle) === beforeMs) same = middle
      else high = middle
    }
    return { atMs: high, beforeMs, afterMs: offsetMs(timeZone, high) }
  }
  return undefined
}

/** What the wall shows, as if it were UTC. */
function wallMs(timeZone: string, instantMs: number): number {
  const parts = formatOf(timeZone).formatToParts(instantMs)
  const [year, month, day, hour, minute, second] = ['year', 'month', 'day', 'hour', 'minute', 'second'].map((type) =>
    Number(parts.find((part) => part.type === type)!.value),
  ) as [number, number, number, number, number, number]
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

/** One costs some 50 µs to make, and is asked for at every look at the schedule. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  let format = FORMATS.get(timeZone)
  if (format === undefined) {
    const digits = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const
    format = new Intl.DateTimeFormat('en', { timeZone, ...digits, second: 'numeric', hourCycle: 'h23' })
    FORMATS.set(timeZone, format)
  }
  return format
}

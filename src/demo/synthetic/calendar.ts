/** The synthetic world's calendar: its history ends on a fixed day, so the data never depend on when they are made. */

export const HOUR_MS = 3_600_000
export const DAY_MS = 24 * HOUR_MS
export const YEAR_MS = 365.25 * DAY_MS

/** The last instant of the synthetic history. */
export const HISTORY_END_MS = Date.UTC(2025, 11, 31)
/** Care is recorded from here on; conditions may be older. */
export const HISTORY_START_MS = Date.UTC(2022, 0, 1)

/** Local time of the clinics, which know no summer time. */
const OFFSET_HOURS = -5

/** `2024-03-05` */
export function date(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** `2024-03-05T09:30:00-05:00` */
export function dateTime(ms: number): string {
  return `${new Date(ms + OFFSET_HOURS * HOUR_MS).toISOString().slice(0, 19)}-05:00`
}

/** `2024-03-05T14:30:00.000Z` */
export function instant(ms: number): string {
  return new Date(ms).toISOString()
}

export function ageAt(birthMs: number, ms: number): number {
  return (ms - birthMs) / YEAR_MS
}

/** The same day's instant at `hour` o'clock of the clinics' time, plus minutes. */
export function atClock(ms: number, hour: number, minute: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS + (hour - OFFSET_HOURS) * HOUR_MS + minute * 60_000
}

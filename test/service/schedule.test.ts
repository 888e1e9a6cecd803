import { describe, expect, test } from 'vitest'
import type { Schedule } from '../../src/app/config-schedule.ts'
import { isMissed, nextTime, nextWithJitter } from '../../src/service/schedule.ts'
import { firstChange, offsetMs } from '../../src/service/zone.ts'

const MINUTE_MS = 60_000

function times(schedule: Schedule, after: string, count: number): string[] {
  const found: string[] = []
  for (let at = new Date(after); found.length < count;) {
    at = nextTime(schedule, at)!
    found.push(at.toISOString().replace(':00.000Z', 'Z'))
  }
  return found
}

const berlin = (cron: string): Schedule => ({ cron, timeZone: 'Europe/Berlin' })

describe('a schedule where clocks are put forward', () => {
  test('has a time that is left out when the gap ends, once', () => {
    expect(times(berlin('30 2 * * *'), '2026-03-28T00:00:00Z', 3)).toEqual([
      '2026-03-28T01:30Z',
      '2026-03-29T01:00Z',
      '2026-03-30T00:30Z',
    ])
  })

  test('that comes every half hour goes on every half hour', () => {
    expect(times(berlin('*/30 * * * *'), '2026-03-28T23:45:00Z', 6)).toEqual([
      '2026-03-29T00:00Z',
      '2026-03-29T00:30Z',
      '2026-03-29T01:00Z',
      '2026-03-29T01:30Z',
      '2026-03-29T02:00Z',
      '2026-03-29T02:30Z',
    ])
  })

  test('has a time at the end of the gap once', () => {
    expect(times(berlin('0 3 * * *'), '2026-03-28T12:00:00Z', 2)).toEqual(['2026-03-29T01:00Z', '2026-03-30T01:00Z'])
  })

  test('by half an hour, or by a whole day, is right too', () => {
    const howe = { cron: '15 2 * * *', timeZone: 'Australia/Lord_Howe' }
    expect(times(howe, '2026-10-02T16:00:00Z', 2)).toEqual(['2026-10-03T15:30Z', '2026-10-04T15:15Z'])
    const apia = { cron: '0 12 * * *', timeZone: 'Pacific/Apia' }
    expect(times(apia, '2011-12-29T00:00:00Z', 3)).toEqual([
      '2011-12-29T22:00Z',
      '2011-12-30T10:00Z',
      '2011-12-30T22:00Z',
    ])
  })
})

describe('a schedule where clocks are put back', () => {
  test('has a time that comes twice once, at the first of the two', () => {
    expect(times(berlin('30 2 * * *'), '2026-10-24T12:00:00Z', 2)).toEqual(['2026-10-25T00:30Z', '2026-10-26T01:30Z'])
    for (const within of [
      '2026-10-25T00:30:00Z',
      '2026-10-25T00:59:59Z',
      '2026-10-25T01:00:00Z',
      '2026-10-25T01:10:00Z',
    ])
      expect(times(berlin('30 2 * * *'), within, 1)).toEqual(['2026-10-26T01:30Z'])
  })

  test('that comes every hour, or every half hour, goes on through both', () => {
    expect(times(berlin('0 * * * *'), '2026-10-24T22:30:00Z', 5)).toEqual([
      '2026-10-24T23:00Z',
      '2026-10-25T00:00Z',
      '2026-10-25T01:00Z',
      '2026-10-25T02:00Z',
      '2026-10-25T03:00Z',
    ])
    expect(times(berlin('*/30 * * * *'), '2026-10-25T00:10:00Z', 5)).toEqual([
      '2026-10-25T00:30Z',
      '2026-10-25T01:00Z',
      '2026-10-25T01:30Z',
      '2026-10-25T02:00Z',
      '2026-10-25T02:30Z',
    ])
  })

  test('has a time right after the second of the two', () => {
    expect(times(berlin('0 3 * * *'), '2026-10-25T00:30:00Z', 1)).toEqual(['2026-10-25T02:00Z'])
  })
})

const PATTERNS = [
  '*/7 * * * *',
  '13 * * * *',
  '*/20 1-3 * * *',
  '0 */2 * * *',
  '5,35 * * * 0',
  '45 1 * * *',
  '10 2 * * *',
  '0 0 * * *',
]
const ZONES: readonly (readonly [zone: string, around: string])[] = [
  ['UTC', '2026-03-29T01:00:00Z'],
  ['Europe/Berlin', '2026-03-29T01:00:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00:00Z'],
  ['America/New_York', '2026-03-08T07:00:00Z'],
  ['America/New_York', '2026-11-01T06:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
  ['Africa/Casablanca', '2026-02-15T02:00:00Z'],
  ['Africa/Casablanca', '2026-03-22T02:00:00Z'],
  ['Asia/Kathmandu', '2026-03-22T02:00:00Z'],
]

describe('next to a count of every minute around a change', () => {
  test.each(ZONES)('times in %s around %s are those at which the wall shows them', (timeZone, around) => {
    const from = Date.parse(around) - 8 * 60 * MINUTE_MS
    for (const cron of PATTERNS) {
      const expected = counted({ cron, timeZone }, from, from + 14 * 60 * MINUTE_MS)
      const found: number[] = []
      for (let at = new Date(from - 1); ;) {
        at = nextTime({ cron, timeZone }, at)!
        if (at.getTime() >= from + 14 * 60 * MINUTE_MS) break
        found.push(at.getTime())
      }
      expect(found.map(iso), `${cron} ${timeZone}`).toEqual(expected.map(iso))
      for (let at = from; at < from + 13 * 60 * MINUTE_MS; at += 23 * MINUTE_MS) {
        const next = nextTime({ cron, timeZone }, new Date(at))!.getTime()
        const wanted = expected.find((each) => each > at)
        if (wanted !== undefined) expect(iso(next), `${cron} ${timeZone} after ${iso(at)}`).toBe(iso(wanted))
      }
    }
  })
})

const iso = (ms: number) => new Date(ms).toISOString()

/** By the wall of every minute, without any reckoning: what the pattern's fields allow, and the two rules for changes. */
function counted({ cron, timeZone }: Schedule, from: number, to: number): number[] {
  const repeats = /\*/.test(cron.split(' ').slice(0, 2).join(' '))
  const shown = new Set<string>()
  const found: number[] = []
  const wallOf = (ms: number) => new Date(ms + offsetMs(timeZone, ms))
  for (let ms = from - 180 * MINUTE_MS; ms < to; ms += MINUTE_MS) {
    const wall = wallOf(ms)
    const jump = wall.getTime() - wallOf(ms - MINUTE_MS).getTime() - MINUTE_MS
    const left = Array.from(
      { length: Math.max(0, jump / MINUTE_MS) },
      (_, i) => new Date(wall.getTime() - (i + 1) * MINUTE_MS),
    )
    const isNew = repeats || !shown.has(wall.toISOString())
    shown.add(wall.toISOString())
    if (((isNew && matches(cron, wall)) || left.some((each) => matches(cron, each))) && ms >= from) found.push(ms)
  }
  return found
}

function matches(cron: string, wall: Date): boolean {
  const values = [wall.getUTCMinutes(), wall.getUTCHours(), wall.getUTCDate(), wall.getUTCMonth() + 1, wall.getUTCDay()]
  return cron.split(' ').every((field, i) =>
    field.split(',').some((part) => {
      const [range, step = '1'] = part.split('/') as [string, string?]
      const [low, high] = range === '*' ? [0, 99] : range.split('-').map(Number)
      const value = values[i]!
      return value >= low! && value <= (high ?? low!) && (value - (range === '*' ? 0 : low!)) % Number(step) === 0
    }),
  )
}

describe('a schedule', () => {
  test('with six fields counts seconds', () => {
    const next = nextTime({ cron: '*/5 * * * * *', timeZone: 'UTC' }, new Date('2026-11-21T10:00:02.500Z'))
    expect(next).toEqual(new Date('2026-11-21T10:00:05Z'))
  })

  test('far apart passes over the changes between', () => {
    expect(times(berlin('0 12 29 2 *'), '2026-11-21T10:00:00Z', 1)).toEqual(['2028-02-29T11:00Z'])
    expect(times(berlin('0 12 1 7 *'), '2026-11-21T10:00:00Z', 1)).toEqual(['2027-07-01T10:00Z'])
  })

  test('never gives the time it was asked from', () => {
    expect(times(berlin('0 11 * * *'), '2026-11-21T10:00:00Z', 1)).toEqual(['2026-11-22T10:00Z'])
  })
})

describe('a missed time', () => {
  const nightly = berlin('15 2 * * *')
  const at = (text: string) => new Date(text)

  test.each([
    ['the last run began before it', '2026-11-19T01:16:00Z', '2026-11-20T01:15:00Z', true],
    ['the last run began after it', '2026-11-20T01:15:30Z', '2026-11-20T10:00:00Z', false],
    ['several came since', '2026-11-10T01:15:30Z', '2026-11-20T10:00:00Z', true],
    ['it is a moment away', '2026-11-19T01:16:00Z', '2026-11-20T01:14:59Z', false],
  ])('is there or not: %s', (_why, last, now, missed) => {
    expect(isMissed(nightly, at(last), at(now))).toBe(missed)
  })

  test('is none where the source never ran', () => {
    expect(isMissed(nightly, undefined, at('2026-11-20T10:00:00Z'))).toBe(false)
  })
})

describe('jitter', () => {
  const after = new Date('2026-11-20T10:00:00.000Z')

  test('puts a time off by a random part of it', () => {
    const hourly = { cron: '0 * * * *', timeZone: 'UTC' }
    expect(nextWithJitter(hourly, after, 60, () => 0)).toEqual(new Date('2026-11-20T11:00:00Z'))
    expect(nextWithJitter(hourly, after, 60, () => 0.5)).toEqual(new Date('2026-11-20T11:00:30Z'))
  })

  test('never takes a time to the one after it', () => {
    const often = { cron: '*/10 * * * * *', timeZone: 'UTC' }
    expect(nextWithJitter(often, after, 60, () => 0.999)).toEqual(new Date('2026-11-20T10:00:19.990Z'))
  })
})

test('a zone that never changes has no change', () => {
  expect(firstChange('Asia/Kathmandu', Date.parse('2025-01-01'), Date.parse('2030-01-01'))).toBeUndefined()
})

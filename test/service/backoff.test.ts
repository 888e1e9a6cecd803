import { describe, expect, test } from 'vitest'
import { retryAt, type BackoffInput } from '../../src/service/backoff.ts'

const now = new Date('2026-11-21T10:00:00.000Z')
const after = (seconds: number) => new Date(now.getTime() + seconds * 1000)
const ask = (input: Partial<BackoffInput>) =>
  retryAt({ failures: 1, retryable: true, now, nextAt: undefined, random: 0, ...input })

describe('an error that may pass', () => {
  test('is tried again after a delay that doubles, up to an hour', () => {
    const delays = Array.from({ length: 12 }, (_, i) => (+ask({ failures: i + 1 })! - +now) / 1000)
    expect(delays).toEqual([15, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600])
    expect(ask({ failures: 5000 })).toEqual(after(3600))
  })

  test('is tried again whatever the schedule', () => {
    expect(ask({ nextAt: after(1) })).toEqual(after(15))
    expect(ask({ nextAt: after(86_400) })).toEqual(after(15))
  })

  test('has a delay of which up to a quarter is random', () => {
    expect(ask({ failures: 9, random: 0.5 })).toEqual(after(3150))
    expect(+ask({ failures: 9, random: 0.999 })!).toBeGreaterThan(+after(2700))
  })
})

describe('an error that lasts', () => {
  test.each([
    ['waits for the next scheduled time', 1, 1800, 1800],
    ['waits no longer than an hour', 1, 86_400, 3600],
    ['waits no less than one that may pass', 4, 1, 120],
  ])('%s', (_what, failures, nextSeconds, expected) => {
    expect(ask({ retryable: false, failures, nextAt: after(nextSeconds) })).toEqual(after(expected))
  })

  test('of a source without a schedule waits for whoever asks', () => {
    expect(ask({ retryable: false })).toBeUndefined()
  })
})

import { expect, test } from 'vitest'
import { retryAfterMs } from '../../src/bulk/http/retry-after.ts'

const now = new Date('2026-11-21T10:00:00.000Z')
const at = now.getTime()
const DAY_MS = 86_400_000

const HEADERS: [what: string, header: string | undefined, ms: number | undefined][] = [
  ['seconds', '120', 120_000],
  ['seconds with blanks around', ' 120 ', 120_000],
  ['a fraction of seconds', '1.5', 1500],
  ['five hours', '18000', 18_000_000],
  ['an HTTP-date', new Date(at + 90_000).toUTCString(), 90_000],
  ['an HTTP-date of RFC 850', 'Saturday, 21-Nov-26 10:00:20 GMT', 20_000],
  ['an HTTP-date in another zone', 'Sat, 21 Nov 2026 11:00:30 +0100', 30_000],
  ['an ISO instant', new Date(at + 15_000).toISOString(), 15_000],
  ['epoch seconds', String(at / 1000 + 30), 30_000],
  ['epoch milliseconds', String(at + 45_000), 45_000],
  ['epoch milliseconds with a fraction', `${at + 45_000}.25`, 45_000.25],
  ['zero', '0', 0],
  ['thirty days', String(30 * 86_400), 30 * DAY_MS],
  ['a date long past', 'Sun, 06 Nov 1994 08:49:37 GMT', 0],
  ['epoch seconds long past', '1000000000', 0],
  ['more than a month', String(32 * 86_400), undefined],
  ['an absurd number of seconds', '999999999', undefined],
  ['a date far ahead', 'Fri, 31 Dec 9999 23:59:59 GMT', undefined],
  ['epoch milliseconds far ahead', '253402300799000', undefined],
  ['a number of 400 digits', '9'.repeat(400), undefined],
  ['a number with an exponent', '1e99', undefined],
  ['a negative number', '-5', undefined],
  ['garbage', 'soon', undefined],
  ['garbage with a number that reads as a year', 'in 2030 hours', undefined],
  ['a date that is none', 'Sun, 99 Foo 2026 99:99:99 GMT', undefined],
  ['NaN', 'NaN', undefined],
  ['Infinity', 'Infinity', undefined],
  ['a blank', ' ', undefined],
  ['nothing', '', undefined],
  ['no header', undefined, undefined],
]

test.each(HEADERS)('%s is understood, or is not', (_, header, ms) => {
  expect(retryAfterMs(header, now)).toBe(ms)
})

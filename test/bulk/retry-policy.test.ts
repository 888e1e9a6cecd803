import { describe, expect, test } from 'vitest'
import {
  CHECK_LIMITS,
  mayTryAgain,
  RETRY_LIMITS,
  tryMsMax,
  waitMs,
  type RetryLimits,
} from '../../src/bulk/http/retry-pace.ts'
import {
  judge,
  VERDICTS,
  type Judged,
  type StatusClass,
  type Step,
  type Verdict,
} from '../../src/bulk/http/retry-policy.ts'

const HOUR_MS = 3_600_000

/** Written down by what each step needs, not by the table under test: a letter for each status. */
const LETTERS: Readonly<Record<string, Verdict>> = {
  a: 'accept',
  w: 'wait',
  r: 'retry',
  d: 'doubt',
  s: 'sign-in-again',
  n: 'start-again',
  l: 'lost',
  x: 'give-up',
}
const STATUSES = [
  200, 202, 304, 400, 401, 403, 404, 405, 408, 409, 410, 412, 413, 416, 422, 425, 429, 451, 500, 501, 502, 503, 504,
  505, 507, 520,
]
const EXPECTED: Readonly<Record<Judged, string>> = {
  discovery: 'a a x x x x x x r x x x x x x r r x r x r r r x r r',
  token: 'a a x d x x x x r x x x x x x r r x r x r r r x r r',
  'kick-off': 'a a x x s x x x r x x x x x x r w x r x r w r x r r',
  status: 'a a d d s d d d w d n d x d d w w d d d w w w d d d',
  export: 'a a x x x x n x x x n x x x x x w x x x x w x x x x',
  file: 'a a l l s l l l r l l l l l l r r l r l r r r l r r',
  release: 'a a x x s x a x r x a x x x x r r x d x r r r x d d',
  published: 'a a a x s x x x r x x x x x x r r x r x r r r x r r',
}
const STEPS = Object.keys(EXPECTED) as Judged[]
const CELLS = STEPS.flatMap((step) =>
  EXPECTED[step].split(' ').map((letter, at) => [step, STATUSES[at]!, LETTERS[letter]!] as const),
)

test.each(CELLS)('%s: %i means %s', (step, status, verdict) => {
  expect(judge(step, status, [])).toBe(verdict)
})

test('each class of each step is the outcome of at least one row above, or of what is no good answer', () => {
  const seen = new Set([
    ...CELLS.map(([step, , verdict]) => `${step} ${verdict}`),
    ...STEPS.flatMap((step) =>
      (['odd', 'silent', 'unsent'] as const).map((answer) => `${step} ${judge(step, answer, [])}`),
    ),
  ])
  const all = STEPS.flatMap((step) => Object.values(VERDICTS[step]).map((verdict) => `${step} ${verdict}`))
  expect(all.filter((each) => !seen.has(each))).toEqual([])
  const classes: StatusClass[] = Object.keys(VERDICTS.status) as StatusClass[]
  for (const step of STEPS) expect(Object.keys(VERDICTS[step])).toEqual(classes)
})

test.each([
  ['discovery', 'retry', 'retry'],
  ['token', 'retry', 'retry'],
  ['kick-off', 'doubt', 'retry'],
  ['status', 'wait', 'wait'],
  ['export', 'wait', 'wait'],
  ['file', 'retry', 'retry'],
  ['release', 'doubt', 'doubt'],
  ['published', 'retry', 'retry'],
] as const)('%s: no answer means %s, and no connection %s', (step, silent, unsent) => {
  expect([judge(step, 'silent', []), judge(step, 'unsent', [])]).toEqual([silent, unsent])
})

test.each([
  ['discovery', 'give-up'],
  ['token', 'doubt'],
  ['kick-off', 'give-up'],
  ['status', 'doubt'],
  ['export', 'doubt'],
  ['file', 'lost'],
  ['release', 'give-up'],
  ['published', 'doubt'],
] as const)('%s: a good status over something else than was asked for means %s', (step, verdict) => {
  expect(judge(step, 'odd', [])).toBe(verdict)
})

describe('an OperationOutcome that says it may pass', () => {
  const codes = ['transient', 'lock-error', 'no-store', 'timeout', 'incomplete', 'throttled']
  const verdicts: [Judged, Verdict][] = [
    ['status', 'wait'],
    ['export', 'wait'],
    ['file', 'retry'],
    ['release', 'retry'],
    ['token', 'retry'],
    ['published', 'retry'],
  ]
  const cells = codes.flatMap((code) =>
    verdicts.flatMap(([step, verdict]) =>
      [400, 403, 409, 413, 422, 500, 501].map((at) => [code, step, at, verdict] as const),
    ),
  )
  test.each(cells)('(%s) makes of %s and %i: %s', (code, step, status, verdict) => {
    expect(judge(step, status, ['processing', code])).toBe(verdict)
  })

  test.each(codes)('(%s) makes a kick-off wait where its status may pass too, and else try a few times', (code) => {
    const verdict = (status: number) => judge('kick-off', status, [code])
    expect([408, 425, 429, 500, 502, 503, 504].map(verdict)).toEqual(Array(7).fill('wait'))
    expect([400, 403, 404, 409, 410, 413, 422, 501].map(verdict)).toEqual(Array(8).fill('retry'))
  })

  test.each(STEPS)('changes nothing of a good answer, or of a 401, in %s', (step) => {
    expect(judge(step, 200, ['transient'])).toBe('accept')
    const unsigned = judge(step, 401, [])
    if (unsigned === 'sign-in-again') expect(judge(step, 401, ['transient'])).toBe('sign-in-again')
  })
})

describe('an OperationOutcome that says it is no more', () => {
  test.each(['not-found', 'deleted', 'expired'])('(%s) means a new export where an export is waited for', (code) => {
    expect([400, 403, 500, 422].map((status) => judge('status', status, [code]))).toEqual(Array(4).fill('start-again'))
    expect([404, 410].map((status) => judge('status', status, [code]))).toEqual(['start-again', 'start-again'])
    expect(judge('export', 500, [code])).toBe('start-again')
    expect(judge('status', 503, [code])).toBe('wait')
    expect(judge('kick-off', 400, [code])).toBe('give-up')
  })
})

describe.each(['processing', 'exception', 'invalid', 'too-costly', 'security', 'made-up'])(
  'an OperationOutcome that says %s',
  (code) => {
    /** Else a sign-in page, or a proxy's, would be as good. */
    const spoken = [400, 405, 409, 412, 416, 422, 451, 501, 505]

    test('is the last word of a server whose status is doubted without it', () => {
      for (const status of spoken) expect(judge('status', status, [code])).toBe('give-up')
    })

    test('changes nothing else', () => {
      for (const [step, status, verdict] of CELLS) {
        if (step !== 'status' || !spoken.includes(status)) expect(judge(step, status, [code])).toBe(verdict)
      }
    })
  },
)

describe('the pace', () => {
  const limits = RETRY_LIMITS
  test('counts seven tries, three where it is most likely the last word, two of a kick-off then, and none while there is a deadline', () => {
    const tries = (verdict: Verdict, msLeft?: number) =>
      [1, 2, 3, 4, 5, 6, 7, 8, 1000].filter((attempt) => mayTryAgain('file', verdict, attempt, msLeft, limits)).length
    expect([tries('retry'), tries('wait'), tries('doubt')]).toEqual([6, 6, 2])
    expect([tries('retry', 1), tries('wait', 1), tries('doubt', 1)]).toEqual([6, 9, 2])
    expect([tries('retry', 0), tries('wait', 0)]).toEqual([0, 0])
    expect([tries('give-up'), tries('lost'), tries('sign-in-again', 9)]).toEqual([0, 0, 0])
    expect([1, 2].map((attempt) => mayTryAgain('kick-off', 'doubt', attempt, undefined, limits))).toEqual([true, false])
  })

  test('doubles up to a minute, the upper half of it by chance', () => {
    const waits = (random: number) =>
      [1, 2, 3, 7, 8, 9, 5000].map((attempt) => waitMs('file', 'retry', attempt, undefined, limits, () => random))
    expect(waits(1)).toEqual([500, 1000, 2000, 32_000, 60_000, 60_000, 60_000])
    expect(waits(0)).toEqual([250, 500, 1000, 16_000, 30_000, 30_000, 30_000])
  })

  /** Waits between all the tries there are. */
  const waits = (step: Step, verdict: Verdict, random: number, within = limits) => {
    const all: number[] = []
    for (let attempt = 1; mayTryAgain(step, verdict, attempt, HOUR_MS, within); attempt += 1) {
      all.push(waitMs(step, verdict, attempt, undefined, within, () => random))
    }
    return all
  }
  const sum = (all: number[]) => all.reduce((one, other) => one + other, 0)

  test('believes a status that is doubted after five tries, over five minutes at least and ten at most', () => {
    expect(waits('status', 'doubt', 0).length).toBe(4)
    expect(sum(waits('status', 'doubt', 0))).toBe(5 * 60_000)
    expect(sum(waits('status', 'doubt', 1))).toBe(10 * 60_000)
  })

  test('believes that an export is gone after three tries, over a minute at least and two at most', () => {
    expect(waits('status', 'start-again', 0)).toEqual([20_000, 40_000])
    expect(sum(waits('status', 'start-again', 1))).toBe(2 * 60_000)
  })

  test('ends a deletion that nobody answers within twenty seconds, and a step of a check within fifteen', () => {
    const longest = (step: Step, verdict: Verdict, within: RetryLimits) => {
      const between = waits(step, verdict, 1, within)
      return sum(between) + (between.length + 1) * tryMsMax(step, within)!
    }
    expect(longest('release', judge('release', 'silent', []), limits)).toBeLessThanOrEqual(20_000)
    for (const step of ['discovery', 'token', 'kick-off', 'release'] as const) {
      expect(longest(step, 'retry', CHECK_LIMITS)).toBeLessThanOrEqual(15_000)
    }
    expect(tryMsMax('file', limits)).toBeUndefined()
  })

  test('follows Retry-After up to its maximum, and is never shorter than a second then', () => {
    const wait = (askedMs: number) => waitMs('file', 'retry', 1, askedMs, limits, () => 0)
    expect([wait(0), wait(5000), wait(5 * 3_600_000), wait(1e12)]).toEqual([1000, 5000, 18_000_000, 6 * 3_600_000])
  })
})

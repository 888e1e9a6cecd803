import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { CallBudget } from '../../src/bulk/http/call-budget.ts'
import { STANDARD_PROFILE } from '../../src/bulk/server/profile.ts'
import { sleepFor } from '../../src/bulk/http/sleep.ts'
import { systemClock, type Clock } from '../../src/core/clock.ts'
import { isAbort } from '../../src/core/errors.ts'
import { clientFor, failureOf, tokensOf } from './client-fixture.ts'
import { FastClock } from './fast-clock.ts'
import { MANIFEST, reply, startOddityServer } from './oddity-server.ts'

const signal = new AbortController().signal
setMaxListeners(0, signal)
const MINUTE_MS = 60_000

/** Takes `calls` one after the other, and says when each was let through, in ms from the beginning. */
async function taken(budget: CallBudget, clock: FastClock, calls: number, perMinute: number | undefined) {
  const began = clock.now().getTime()
  const at: number[] = []
  for (let call = 0; call < calls; call += 1) {
    await budget.take('host', perMinute, signal)
    at.push(clock.now().getTime() - began)
  }
  return at
}

describe('a call budget', () => {
  test('lets no more calls through in any minute than it stands', async () => {
    const clock = new FastClock()
    const at = await taken(new CallBudget(clock), clock, 200, 50)
    expect(at.filter((ms) => ms === 0).length).toBe(50)
    for (const [index, ms] of at.entries()) {
      if (index >= 50) expect(ms - at[index - 50]!).toBeGreaterThanOrEqual(MINUTE_MS)
    }
    expect(at.at(-1)).toBe(3 * MINUTE_MS)
  })

  test('slides: calls that were made later make room later', async () => {
    const clock = new FastClock()
    const budget = new CallBudget(clock)
    await budget.take('host', 2, signal)
    clock.pass(40_000)
    expect(await taken(budget, clock, 3, 2)).toEqual([0, 20_000, 60_000])
  })

  test('without a limit lets all through', async () => {
    const clock = new FastClock()
    expect(new Set(await taken(new CallBudget(clock), clock, 500, undefined))).toEqual(new Set([0]))
  })

  test('of less than one call still lets one through a minute', async () => {
    const clock = new FastClock()
    expect(await taken(new CallBudget(clock), clock, 3, 0)).toEqual([0, MINUTE_MS, 2 * MINUTE_MS])
  })

  test('counts each host by itself', async () => {
    const clock = new FastClock()
    const budget = new CallBudget(clock)
    await budget.take('one', 1, signal)
    await budget.take('other', 1, signal)
    expect(clock.sleeps).toEqual([])
  })

  test('serves in the order of asking', async () => {
    const clock = new FastClock()
    const budget = new CallBudget(clock)
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => budget.take('host', 3, signal).then(() => order.push(index))),
    )
    expect(order).toEqual(Array.from({ length: 40 }, (_, index) => index))
  })

  test('keeps quiet for a pause, however many may call, and for ten minutes at most', async () => {
    const clock = new FastClock()
    const budget = new CallBudget(clock)
    budget.pause('host', 90_000)
    budget.pause('host', 5000)
    budget.pause('other', 18_000_000)
    expect(await taken(budget, clock, 2, undefined)).toEqual([90_000, 90_000])
    const before = clock.now().getTime()
    await budget.take('other', undefined, signal)
    expect(clock.now().getTime() - before).toBe(510_000)
  })

  test('is not fooled by a clock that is set back', async () => {
    const clock = new FastClock()
    const budget = new CallBudget(clock)
    await taken(budget, clock, 2, 2)
    budget.pause('host', 1000)
    clock.pass(-3_600_000)
    const [first] = await taken(budget, clock, 1, 2)
    expect(first).toBeLessThanOrEqual(600_000)
  })

  test('lets go at once of those who stop waiting, and the others keep their places', async () => {
    const budget = new CallBudget(systemClock)
    await budget.take('host', 1, signal)
    const first = new AbortController()
    const second = new AbortController()
    const order: string[] = []
    const waiting = [first, second].map((controller, index) =>
      budget.take('host', 1, controller.signal).catch((error: unknown) => {
        if (isAbort(error)) order.push(`stopped ${index}`)
      }),
    )
    second.abort()
    await waiting[1]
    first.abort()
    await waiting[0]
    expect(order).toEqual(['stopped 1', 'stopped 0'])
  })

  /** Its sleepers wake when they are told, in the order they are told. */
  function manualClock() {
    const sleepers: (() => void)[] = []
    let now = 0
    const clock: Clock = {
      now: () => new Date(now),
      sleep: (ms, stop) =>
        new Promise((resolve, reject) => {
          sleepers.push(() => {
            now += ms
            resolve()
          })
          stop?.addEventListener('abort', () => reject(stop.reason as Error))
        }),
    }
    return { clock, sleepers }
  }

  test('passes a place on from one who stops in the middle of his wait', async () => {
    const { clock, sleepers } = manualClock()
    const budget = new CallBudget(clock)
    await budget.take('host', 1, signal)
    const stop = new AbortController()
    const first = budget.take('host', 1, stop.signal)
    const second = budget.take('host', 1, signal)
    await delay(1)
    stop.abort()
    await expect(first).rejects.toMatchObject({ name: 'AbortError' })
    await delay(1)
    sleepers.at(-1)!()
    await second
    expect([clock.now().getTime(), sleepers.length]).toEqual([MINUTE_MS, 2])
  })

  test('lets nobody pass those before him because one between them stopped waiting', async () => {
    const { clock, sleepers } = manualClock()
    const budget = new CallBudget(clock)
    await budget.take('host', 1, signal)
    const stop = new AbortController()
    const first = budget.take('host', 1, signal)
    const between = budget.take('host', 1, stop.signal)
    void budget.take('host', 1, signal)
    await delay(1)
    stop.abort()
    await expect(between).rejects.toMatchObject({ name: 'AbortError' })
    await delay(1)
    // Only the first is asleep; the last still waits for him.
    expect(sleepers.length).toBe(1)
    sleepers[0]!()
    await first
  })
})

describe('the clients of a process', () => {
  test('share the budget of a host: no minute sees more calls than the profile says', async () => {
    const server = await startOddityServer()
    const clock = new FastClock()
    const at: number[] = []
    class NotingBudget extends CallBudget {
      override async take(...asked: Parameters<CallBudget['take']>): Promise<void> {
        await super.take(...asked)
        at.push(clock.now().getTime())
      }
    }
    const budget = new NotingBudget(clock)
    const profile = { ...STANDARD_PROFILE, callsPerMinute: 10 }
    server
      .on('GET /fhir/$export', reply(202, { 'Content-Location': '/status' }))
      .on('GET /status', reply(200, {}, MANIFEST))
      .on('GET /file', reply(307, { Location: '/moved' }))
      .on('GET /moved', reply(200))
      .on('DELETE /status', reply(202))
    const jobs = [1, 2, 3].map(async () => {
      const auth = tokensOf(server)
      const { kickOff, wait, download, client } = clientFor(server.baseUrl, { auth, profile, budget }, clock)
      await kickOff()
      await wait()
      await Promise.all([download(), download()])
      await client.release(`${server.origin}/status`, signal)
    })
    await Promise.all(jobs)
    // Three tokens, kick-offs, looks and deletions, and six files of two calls each.
    expect([server.asked.length, at.length]).toEqual([3 * 8, 3 * 8])
    for (const [index, ms] of at.entries()) {
      if (index >= 10) expect(ms - at[index - 10]!).toBeGreaterThanOrEqual(MINUTE_MS)
    }
    expect(clock.sleeps.length).toBeGreaterThan(0)
  })

  test('all keep quiet after the 429 of one of them', async () => {
    const server = await startOddityServer()
    const clock = new FastClock()
    const budget = new CallBudget(clock)
    const one = clientFor(server.baseUrl, { budget, limits: { attemptsMax: 1 } }, clock)
    const other = clientFor(server.baseUrl, { budget }, clock)
    server.on('GET /status', reply(429, { 'Retry-After': '300' })).on('GET /file', reply(200))
    await failureOf(one.download('/status'))
    const before = clock.now().getTime()
    await other.download()
    expect(clock.now().getTime() - before).toBe(300_000)
  })

  test('go on fetching files while one of them is told that there is no place for another export', async () => {
    const server = await startOddityServer()
    const clock = new FastClock()
    const budget = new CallBudget(clock)
    const one = clientFor(server.baseUrl, { budget, limits: { attemptsMax: 1 } }, clock)
    const other = clientFor(server.baseUrl, { budget }, clock)
    server.on('GET /fhir/$export', reply(429, { 'Retry-After': '300' })).on('GET /file', reply(200))
    await failureOf(one.kickOff())
    await other.download()
    expect(clock.sleeps).toEqual([])
  })

  test('are not held back by it where a store on another host keeps the files', async () => {
    const server = await startOddityServer()
    const storage = await startOddityServer()
    storage.on('GET /blob', reply(200))
    const profile = { ...STANDARD_PROFILE, callsPerMinute: 1 }
    const { download, clock } = clientFor(server.baseUrl, { profile })
    for (let count = 0; count < 5; count += 1) await download(`${storage.origin}/blob`, false)
    expect(clock.sleeps).toEqual([])
  })
})

describe('a sleep', () => {
  test('goes in pieces of a minute at most', async () => {
    const clock = new FastClock()
    await sleepFor(clock, 150_000, signal)
    expect(clock.sleeps).toEqual([60_000, 60_000, 30_000])
  })

  test('is no longer than was meant where the clock is set back meanwhile', async () => {
    const clock = new FastClock()
    const sleeping = sleepFor(clock, 150_000, signal)
    clock.pass(-3_600_000)
    await sleeping
    expect(clock.sleeps.reduce((sum, ms) => sum + ms)).toBe(150_000)
  })

  test('ends at once with the signal', async () => {
    const controller = new AbortController()
    const sleeping = sleepFor(systemClock, 18_000_000, controller.signal)
    controller.abort()
    await expect(sleeping).rejects.toMatchObject({ name: 'AbortError' })
  })
})

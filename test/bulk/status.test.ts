import { describe, expect, test } from 'vitest'
import { clientFor, failureOf } from './client-fixture.ts'
import { FastClock } from './fast-clock.ts'
import { cutOff, MANIFEST, outcome, reply, startOddityServer, type Answer } from './oddity-server.ts'

const ROUTE = 'GET /status'
const HOUR_MS = 3_600_000
const done = reply(200, {}, MANIFEST)
const signal = new AbortController().signal

async function polled(...answers: Answer[]) {
  const server = await startOddityServer()
  server.on(ROUTE, ...answers)
  return { server, ...clientFor(server.baseUrl) }
}

const now = new FastClock().now().getTime()
const RETRY_AFTER: [what: string, header: string | undefined, sleptMs: number][] = [
  ['seconds', '120', 120_000],
  ['a fraction of seconds', '1.5', 1500],
  ['an HTTP-date', new Date(now + 90_000).toUTCString(), 90_000],
  ['an HTTP-date of the old form', 'Saturday, 21-Nov-26 10:00:20 GMT', 20_000],
  ['an ISO instant', new Date(now + 15_000).toISOString(), 15_000],
  ['epoch seconds', String(now / 1000 + 30), 30_000],
  ['epoch milliseconds', String(now + 45_000), 45_000],
  ['zero', '0', 1000],
  ['a negative number', '-5', 1000],
  ['a date long past', 'Sun, 06 Nov 1994 08:49:37 GMT', 1000],
  ['epoch seconds long past', '1000000000', 1000],
  ['an absurd number of seconds', '999999999', HOUR_MS],
  ['a date far ahead', 'Fri, 01 Jan 2100 00:00:00 GMT', HOUR_MS],
  ['a number of 400 digits', '9'.repeat(400), HOUR_MS],
  ['a number of exponents', '1e99', 1000],
  ['garbage', 'soon', 1000],
  ['garbage with a number that reads as a year', 'in 2030 hours', 1000],
  ['a date that is none', 'Sun, 99 Foo 2026 99:99:99 GMT', 1000],
  ['NaN', 'NaN', 1000],
  ['Infinity', 'Infinity', 1000],
  ['nothing', '', 1000],
  ['no header', undefined, 1000],
]

describe('Retry-After', () => {
  test.each(RETRY_AFTER)(
    'of %s is understood, and kept between a second and an hour, on a 202',
    async (_, header, sleptMs) => {
      const { wait, clock } = await polled(reply(202, header === undefined ? {} : { 'Retry-After': header }), done)
      await wait()
      expect(clock.sleeps).toEqual([sleptMs])
    },
  )

  test.each(RETRY_AFTER)(
    'of %s never brings the next poll sooner than a second on a 429',
    async (_, header, sleptMs) => {
      const { wait, clock } = await polled(reply(429, header === undefined ? {} : { 'Retry-After': header }), done)
      await wait()
      expect(clock.sleeps.length).toBe(1)
      expect(clock.sleeps[0]).toBeGreaterThanOrEqual(1000)
      expect(clock.sleeps[0]).toBeLessThanOrEqual(HOUR_MS)
      if (sleptMs > 1000) expect(clock.sleeps[0]).toBe(sleptMs)
    },
  )
})

test('a status is asked for as JSON, uncompressed', async () => {
  const { server, wait } = await polled(done)
  await wait()
  expect(server.asked[0]!.headers).toMatchObject({ accept: 'application/json', 'accept-encoding': 'identity' })
})

test('without Retry-After the polls grow rarer, up to one a minute', async () => {
  const { wait, clock } = await polled(...Array.from({ length: 15 }, () => reply(202)), done)
  await wait()
  expect(clock.sleeps.slice(0, 3)).toEqual([1000, 1500, 2250])
  expect(clock.sleeps.at(-1)).toBe(60_000)
  expect(clock.sleeps.every((ms, index, all) => index === 0 || ms >= all[index - 1]!)).toBe(true)
})

test('the progress is told, on one line and not endlessly long', async () => {
  const { server, client, clock } = await polled(
    reply(202, { 'X-Progress': `21%  done ${'x'.repeat(500)}` }),
    reply(202),
    done,
  )
  const told: (string | undefined)[] = []
  await client.waitForManifest(`${server.origin}/status`, {
    deadline: new Date(clock.now().getTime() + HOUR_MS),
    onProgress: ({ progress }) => told.push(progress),
    signal,
  })
  expect(told).toEqual([expect.stringMatching(/^21% done x{1,100}$/), undefined])
})

test.each(['transient', 'timeout', 'throttled', 'lock-error'])(
  'a 500 whose OperationOutcome says %s passes',
  async (code) => {
    const broken = reply(500, {}, outcome(code, 'try again'))
    const { server, wait, clock } = await polled(broken, broken, broken, reply(202, { 'Retry-After': '1' }), done)
    await wait()
    expect(server.asked.length).toBe(5)
    expect(Math.min(...clock.sleeps)).toBeGreaterThanOrEqual(1000)
  },
)

test('a connection that is cut before the answer is tried again', async () => {
  const { server, wait } = await polled(
    (_, response) => response.destroy(),
    cutOff({ 'Content-Length': 500 }, '{'),
    done,
  )
  await wait()
  expect(server.asked.length).toBe(3)
})

test('a server that stays busy is BULK_BUSY, retryable, after attemptsMax tries', async () => {
  const { server, client, wait, clock } = await polled(reply(503, {}, outcome('transient', 'maintenance')))
  const error = await failureOf(wait())
  expect(error).toMatchObject({ code: 'BULK_BUSY', retryable: true, facts: { status: 503, step: 'status' } })
  expect(error.message).toContain('maintenance')
  expect([server.asked.length, clock.sleeps.length]).toEqual([7, 6])
  await client.close()
  const patient = clientFor(server.baseUrl, { limits: { attemptsMax: 2 } })
  await failureOf(patient.wait())
  expect(patient.clock.sleeps.length).toBe(1)
})

test.each([404, 410])('a %i is BULK_EXPORT_GONE, at once', async (status) => {
  const { server, wait } = await polled(reply(status, {}, outcome('not-found', 'no such job')))
  expect((await failureOf(wait())).code).toBe('BULK_EXPORT_GONE')
  expect(server.asked.length).toBe(1)
})

test('an export that failed at the server is BULK_REFUSED with its words', async () => {
  const { wait } = await polled(reply(422, {}, outcome('processing', 'the group is empty')))
  const error = await failureOf(wait())
  expect(error).toMatchObject({ code: 'BULK_REFUSED', retryable: false })
  expect(error.message).toContain('the group is empty')
})

describe('the deadline', () => {
  const late = async (removal: Answer) => {
    const each = await polled(reply(202, { 'Retry-After': '100' }))
    each.server.on('DELETE /status', removal)
    const deadline = new Date(each.clock.now().getTime() + 10 * 60_000)
    const error = await failureOf(
      each.client.waitForManifest(`${each.server.origin}/status`, { deadline, onProgress: () => undefined, signal }),
    )
    return { ...each, error, deadline }
  }

  test('of an export that never ends cancels it with DELETE and is BULK_DEADLINE', async () => {
    const { server, error, clock, deadline } = await late(reply(202))
    expect([error.code, error.retryable]).toEqual(['BULK_DEADLINE', false])
    expect(server.askedOf('DELETE /status').length).toBe(1)
    expect(clock.now()).toEqual(deadline)
    expect(server.askedOf(ROUTE).length).toBe(7)
  })

  test.each([404, 405, 500])('is BULK_DEADLINE even where the DELETE answers %i', async (status) => {
    expect((await late(reply(status))).error.code).toBe('BULK_DEADLINE')
  })
})

describe('the release', () => {
  test.each([202, 204, 404, 410])('takes %i for an export that is no more', async (status) => {
    const server = await startOddityServer()
    server.on('DELETE /status', reply(status))
    await clientFor(server.baseUrl).client.release(`${server.origin}/status`, signal)
    expect(server.asked.length).toBe(1)
  })

  test('that the server refuses is BULK_REFUSED', async () => {
    const server = await startOddityServer()
    server.on('DELETE /status', reply(405))
    expect((await failureOf(clientFor(server.baseUrl).client.release(`${server.origin}/status`, signal))).code).toBe(
      'BULK_REFUSED',
    )
  })
})

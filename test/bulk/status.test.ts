import { describe, expect, test } from 'vitest'
import { clientFor, failureOf, tokensOf, waitFor } from './client-fixture.ts'
import { FastClock } from './fast-clock.ts'
import { cutOff, MANIFEST, only, outcome, reply, startOddityServer, type Answer } from './oddity-server.ts'

const ROUTE = 'GET /status'
const HOUR_MS = 3_600_000
const done = reply(200, {}, MANIFEST)
const signal = new AbortController().signal
const cut: Answer = (_, response) => void response.destroy()

async function polled(...answers: Answer[]) {
  const server = await startOddityServer()
  server.on(ROUTE, ...answers)
  return { server, ...clientFor(server.baseUrl) }
}

const now = new FastClock().now().getTime()
const RETRY_AFTER: [what: string, header: string | undefined, waitedMs: number][] = [
  ['seconds', '120', 120_000],
  ['an HTTP-date', new Date(now + 90_000).toUTCString(), 90_000],
  ['epoch seconds', String(now / 1000 + 30), 30_000],
  ['epoch milliseconds', String(now + 45_000), 45_000],
  ['five hours', '18000', 5 * HOUR_MS],
  ['a day', '86400', 6 * HOUR_MS],
  ['zero', '0', 1000],
  ['a negative number', '-5', 1000],
  ['a date long past', 'Sun, 06 Nov 1994 08:49:37 GMT', 1000],
  ['an absurd number of seconds', '999999999', 1000],
  ['a date far ahead', 'Fri, 31 Dec 9999 23:59:59 GMT', 1000],
  ['NaN', 'NaN', 1000],
  ['nothing', '', 1000],
  ['no header', undefined, 1000],
]

describe('Retry-After', () => {
  const waited = async (status: number, header: string | undefined) => {
    const { wait, clock } = await polled(reply(status, header === undefined ? {} : { 'Retry-After': header }), done)
    await wait()
    return clock.now().getTime() - now
  }

  test.each(RETRY_AFTER)('of %s is kept between a second and six hours, on a 202', async (_, header, waitedMs) => {
    expect(await waited(202, header)).toBe(waitedMs)
  })

  test.each(RETRY_AFTER)('of %s is kept between a second and six hours, on a 429', async (_, header, waitedMs) => {
    expect(await waited(429, header)).toBe(waitedMs)
  })

  test('never leads beyond the deadline', async () => {
    const { server, client, clock } = await polled(reply(202, { 'Retry-After': '18000' }))
    const deadline = new Date(now + HOUR_MS)
    await failureOf(waitFor(client, `${server.origin}/status`, { deadline, onProgress: () => undefined, signal }))
    expect(clock.now()).toEqual(deadline)
    expect(server.askedOf(ROUTE).length).toBe(2)
  })
})

test('a status is asked for as JSON, uncompressed', async () => {
  const { server, wait } = await polled(done)
  await wait()
  expect(server.asked[0]!.headers).toMatchObject({ accept: 'application/json', 'accept-encoding': 'identity' })
})

test('without Retry-After the polls grow rarer, up to one a minute', async () => {
  const server = await startOddityServer()
  server.on(ROUTE, ...Array.from({ length: 15 }, () => reply(202)), done)
  const { wait, clock } = clientFor(server.baseUrl, { random: () => 1 })
  await wait()
  expect(clock.sleeps.slice(0, 3)).toEqual([1000, 1500, 2250])
  expect(clock.sleeps.at(-1)).toBe(60_000)
  expect(clock.sleeps.every((ms, index, all) => index === 0 || ms >= all[index - 1]!)).toBe(true)
  const early = clientFor(server.baseUrl, { random: () => 0 })
  server.on(ROUTE, ...Array.from({ length: 15 }, () => reply(202)), done)
  await early.wait()
  expect([Math.min(...early.clock.sleeps), early.clock.sleeps.at(-1)]).toEqual([1000, 30_000])
})

test('of the progress the share that is done is told, and no word', async () => {
  const { server, client, clock } = await polled(
    reply(202, { 'X-Progress': '21% complete, Jane Doe is next' }),
    reply(202),
    reply(202, { 'X-Progress': 'Jane Doe is next' }),
    done,
  )
  const told: object[] = []
  await waitFor(client, `${server.origin}/status`, {
    deadline: new Date(clock.now().getTime() + HOUR_MS),
    onProgress: (progress) => told.push(progress),
    signal,
  })
  expect(told).toMatchObject([{ percentDone: 21 }, { percentDone: undefined }, { percentDone: undefined }])
  expect(JSON.stringify(told)).not.toContain('Jane')
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
  const { server, wait } = await polled(cut, cutOff({ 'Content-Length': 500 }, '{'), done)
  await wait()
  expect(server.asked.length).toBe(3)
})

describe('an outage while an export of days is waited for', () => {
  test.each([408, 425, 429, 502, 503, 504])('of many %i is borne', async (status) => {
    const { wait, clock } = await polled(...Array.from({ length: 40 }, () => reply(status)), done)
    await wait()
    expect(Math.max(...clock.sleeps)).toBeLessThanOrEqual(60_000)
  })

  test('of a server that is not there is borne until it is back', async () => {
    const { server, wait } = await polled(...Array.from({ length: 40 }, (): Answer => cut), done)
    await wait()
    expect(server.asked.length).toBe(41)
  })

  test('of the token endpoint is borne too', async () => {
    const server = await startOddityServer()
    const { wait } = clientFor(server.baseUrl, { auth: tokensOf(server, 6) })
    const good = reply(200, {}, { access_token: 'token-2', expires_in: 300 })
    server.on(ROUTE, reply(202, { 'Retry-After': '10' }), only('token-2', done))
    server.on(
      'POST /token',
      reply(200, {}, { access_token: 'token-1', expires_in: 6 }),
      ...Array.from({ length: 30 }, () => reply(503)),
      good,
    )
    await wait()
    expect(server.askedOf(ROUTE).length).toBe(2)
  })

  test('that lasts until the deadline is BULK_DEADLINE, with what was in the way as its cause', async () => {
    const { server, client, clock } = await polled(reply(503, {}, outcome('transient', 'maintenance')))
    const deadline = new Date(clock.now().getTime() + HOUR_MS)
    const error = await failureOf(
      waitFor(client, `${server.origin}/status`, { deadline, onProgress: () => undefined, signal }),
    )
    expect([error.code, error.retryable]).toEqual(['BULK_DEADLINE', false])
    expect(error.cause).toMatchObject({ code: 'BULK_BUSY', facts: { status: 503, step: 'status' } })
    expect(clock.now()).toEqual(deadline)
  })
})

describe('a 500 that does not say it may pass', () => {
  const failed = reply(500, {}, outcome('exception', 'no memory left'))

  test('is asked for again over some minutes, for it may be a proxy', async () => {
    const { server, wait } = await polled(failed, reply(500, {}, '<h1>oops</h1>'), failed, done)
    await wait()
    expect(server.asked.length).toBe(4)
  })

  test('and then is BULK_EXPORT_FAILED with its words, not retryable', async () => {
    const { server, wait, clock } = await polled(failed)
    const error = await failureOf(wait())
    expect([error.code, error.retryable]).toEqual(['BULK_EXPORT_FAILED', false])
    expect(error.message).toContain('exception: no memory left')
    expect(server.asked.length).toBe(5)
    expect(clock.now().getTime() - now).toBeGreaterThanOrEqual(5 * 60_000)
  })
})

test('too many files (413) is BULK_EXPORT_FAILED at once, with the way out', async () => {
  const { server, wait } = await polled(reply(413, { 'Content-Type': 'text/html' }, '<h1>Too many files</h1>'))
  const error = await failureOf(wait())
  expect(error).toMatchObject({ code: 'BULK_EXPORT_FAILED', retryable: false, facts: { status: 413 } })
  expect(error.hint).toMatch(/fewer types/)
  expect(server.asked.length).toBe(1)
})

describe('with X-Export-Status the status of the export comes apart from that of the request', () => {
  const separate = (exportStatus: string, body: string | object = '', headers = {}) =>
    reply(200, { 'X-Export-Status': exportStatus, ...headers }, body)

  test('202 means that it is still working', async () => {
    const { server, wait, clock } = await polled(
      separate('202 Accepted', '', { 'Retry-After': '7', 'X-Progress': 'half' }),
      separate('200 OK', MANIFEST),
    )
    expect((await wait()).transactionTime).toBe(MANIFEST.transactionTime)
    expect([server.asked.length, ...clock.sleeps]).toEqual([2, 7000])
  })

  test('500 is the last word: BULK_EXPORT_FAILED at once', async () => {
    const { server, wait } = await polled(separate('500 Internal Server Error', outcome('exception', 'disk full')))
    const error = await failureOf(wait())
    expect(error).toMatchObject({ code: 'BULK_EXPORT_FAILED', retryable: false, facts: { status: 500 } })
    expect(error.message).toContain('disk full')
    expect(server.asked.length).toBe(1)
  })

  test('500 with an issue that may pass is waited for', async () => {
    const { wait } = await polled(separate('500', outcome('transient', 'soon')), separate('200', MANIFEST))
    await wait()
  })

  test('404 means that the export is gone', async () => {
    const { wait } = await polled(separate('404 Not Found'))
    expect((await failureOf(wait())).code).toBe('BULK_EXPORT_GONE')
  })

  test('a header that is no status is passed over', async () => {
    const { wait } = await polled(reply(202, { 'X-Export-Status': 'working' }), separate('done', MANIFEST))
    await wait()
  })

  test('a failure of the request itself is no failure of the export', async () => {
    const { wait } = await polled(reply(503, { 'X-Export-Status': '202' }), separate('200', MANIFEST))
    await wait()
  })
})

test.each(['not-found', 'expired', 'deleted'])('a 400 that says %s is BULK_EXPORT_GONE', async (code) => {
  const { wait } = await polled(reply(400, {}, outcome(code, 'no such job')))
  expect(await failureOf(wait())).toMatchObject({ code: 'BULK_EXPORT_GONE', retryable: true })
})

test('an export that failed at the server is BULK_EXPORT_FAILED with its words', async () => {
  const { wait } = await polled(reply(422, {}, outcome('processing', 'the group is empty')))
  const error = await failureOf(wait())
  expect(error).toMatchObject({ code: 'BULK_EXPORT_FAILED', retryable: false })
  expect(error.message).toContain('the group is empty')
})

describe('the deadline', () => {
  const late = async () => {
    const each = await polled(reply(202, { 'Retry-After': '100' }))
    const deadline = new Date(each.clock.now().getTime() + 10 * 60_000)
    const error = await failureOf(
      waitFor(each.client, `${each.server.origin}/status`, { deadline, onProgress: () => undefined, signal }),
    )
    return { ...each, error, deadline }
  }

  test('of an export that never ends is BULK_DEADLINE; to delete it is left to the caller, so that it is done once', async () => {
    const { server, error, clock, deadline } = await late()
    expect([error.code, error.retryable]).toEqual(['BULK_DEADLINE', false])
    expect(server.askedOf('DELETE /status').length).toBe(0)
    expect(clock.now()).toEqual(deadline)
    expect(server.askedOf(ROUTE).length).toBe(7)
  })

  test('goes by the clock on the wall: a machine that slept through it wakes up behind it', async () => {
    // Its timers stood still while ten hours went by on its clock.
    class SleepyClock extends FastClock {
      override async sleep(ms: number, at?: AbortSignal): Promise<void> {
        await super.sleep(ms, at)
        if (this.sleeps.length === 3) this.pass(10 * HOUR_MS)
      }
    }
    const server = await startOddityServer()
    server.on(ROUTE, reply(202, { 'Retry-After': '18000' })).on('DELETE /status', reply(202))
    const { client, clock } = clientFor(server.baseUrl, {}, new SleepyClock())
    const deadline = new Date(clock.now().getTime() + 8 * HOUR_MS)
    const error = await failureOf(
      waitFor(client, `${server.origin}/status`, { deadline, onProgress: () => undefined, signal }),
    )
    expect(error.code).toBe('BULK_DEADLINE')
    expect(clock.sleeps).toEqual([60_000, 60_000, 60_000])
  })
})

describe('the release', () => {
  test.each([202, 204, 404, 410])('takes %i for an export that is no more', async (status) => {
    const server = await startOddityServer()
    server.on('DELETE /status', reply(status))
    await clientFor(server.baseUrl).client.release(`${server.origin}/status`, signal)
    expect(server.asked.length).toBe(1)
  })

  test('is not waited for long where the server is busy', async () => {
    const server = await startOddityServer()
    server.on('DELETE /status', reply(429, { 'Retry-After': '18000' }))
    const { client, clock } = clientFor(server.baseUrl)
    expect((await failureOf(client.release(`${server.origin}/status`, signal))).code).toBe('BULK_BUSY')
    expect(clock.now().getTime() - now).toBeLessThanOrEqual(15 * 60_000)
  })

  test('is given up after three tries where the server is silent, be it at the sign-in', async () => {
    const server = await startOddityServer()
    const silent: Answer = () => undefined
    const limits = { tryMsMax: 50 }
    const { client } = clientFor(server.baseUrl, { limits })
    server.on('DELETE /status', silent)
    const error = await failureOf(client.release(`${server.origin}/status`, signal))
    expect([error.code, error.message]).toEqual(['BULK_UNREACHABLE', expect.stringMatching(/does not answer in time/)])
    expect(server.asked.length).toBe(3)
    const mute = clientFor(server.baseUrl, { limits, auth: tokensOf(server) })
    server.on('POST /token', silent)
    expect((await failureOf(mute.client.release(`${server.origin}/status`, signal))).code).toBe('BULK_UNREACHABLE')
    expect(server.asked.length).toBeLessThan(10)
  })

  test('that the server refuses is BULK_REFUSED', async () => {
    const server = await startOddityServer()
    server.on('DELETE /status', reply(405))
    expect((await failureOf(clientFor(server.baseUrl).client.release(`${server.origin}/status`, signal))).code).toBe(
      'BULK_REFUSED',
    )
  })
})

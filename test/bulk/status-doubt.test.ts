/** A status that would end an export of days: doubted where it may be somebody else's word, or the operator can mend it. */
import { describe, expect, test } from 'vitest'
import { clientFor, failureOf, tokensOf } from './client-fixture.ts'
import { FastClock } from './fast-clock.ts'
import { MANIFEST, outcome, reply, startOddityServer, type Answer } from './oddity-server.ts'

const done = reply(200, {}, MANIFEST)
const now = new FastClock().now().getTime()

async function polled(...answers: Answer[]) {
  const server = await startOddityServer()
  server.on('GET /status', ...answers)
  return { server, ...clientFor(server.baseUrl) }
}

describe('an odd answer', () => {
  const gone = outcome('not-found', 'no such job')
  const SIGN_IN = reply(200, { 'Content-Type': 'text/html' }, '<html>sign in</html>')
  const ODD: [what: string, answer: Answer, code: string][] = [
    ['200 with a web page', SIGN_IN, 'BULK_MANIFEST_INVALID'],
    ['200 with nothing', reply(200), 'BULK_MANIFEST_INVALID'],
    ['200 with a manifest that can not be used', reply(200, {}, { output: [] }), 'BULK_MANIFEST_INVALID'],
    ['200 with an OperationOutcome', reply(200, {}, outcome('exception', 'oops')), 'BULK_MANIFEST_INVALID'],
    ['a redirect to what is no URL', reply(302, { Location: 'http://[' }), 'BULK_REFUSED'],
    ['a redirect to plain http', reply(302, { Location: 'http://0.0.0.0/login' }), 'BULK_INSECURE'],
    ['304', reply(304), 'BULK_REFUSED'],
    ['400', reply(400), 'BULK_EXPORT_FAILED'],
    ['403', reply(403), 'BULK_REFUSED'],
    ['403 with words', reply(403, {}, outcome('forbidden', 'no')), 'BULK_REFUSED'],
    ['404', reply(404), 'BULK_EXPORT_GONE'],
    ['405', reply(405), 'BULK_EXPORT_FAILED'],
    ['500', reply(500), 'BULK_EXPORT_FAILED'],
  ]

  test.each(ODD)('(%s) is doubted, and does not end the export', async (_, answer) => {
    const { server, wait } = await polled(reply(202), answer, reply(202), answer, answer, done)
    expect((await wait()).transactionTime).toBe(MANIFEST.transactionTime)
    expect(server.asked.length).toBe(6)
  })

  test.each(ODD)('(%s) is believed after five tries over five minutes', async (_, answer, code) => {
    const { server, wait, clock } = await polled(answer)
    expect((await failureOf(wait())).code).toBe(code)
    expect(server.asked.length).toBe(5)
    expect(clock.now().getTime() - now).toBeGreaterThanOrEqual(5 * 60_000)
  })

  test.each([
    [404, gone],
    [410, gone],
    [410, ''],
  ])('of %i that the server stands by is BULK_EXPORT_GONE after a minute at least', async (status, body) => {
    const { server, wait, clock } = await polled(reply(status, {}, body))
    expect((await failureOf(wait())).code).toBe('BULK_EXPORT_GONE')
    expect(server.asked.length).toBe(3)
    expect(clock.now().getTime() - now).toBeGreaterThanOrEqual(60_000)
  })

  test('of 404 in the first seconds, of a server that has not written the export down yet, does not end it', async () => {
    const { server, wait, clock } = await polled()
    server.on('GET /status', (asked, response) => {
      const isLate = clock.now().getTime() - now < 10_000
      ;(isLate ? reply(404, {}, gone) : done)(asked, response)
    })
    await wait()
  })

  test.each([
    ['doubted', reply(500)],
    ['waited for', reply(503)],
  ])('of 410 after answers that were %s is believed no sooner', async (_, other) => {
    const { wait } = await polled(other, other, reply(410), done)
    await wait()
  })

  test('of 410 that is another one at the second look does not end the export', async () => {
    await (await polled(reply(410), done)).wait()
  })

  test('of 404 that says it may pass is waited for', async () => {
    const passing = reply(404, {}, outcome('transient', 'not yet'))
    await (await polled(...Array.from({ length: 9 }, () => passing), done)).wait()
  })
})

describe('a sign-in that fails while an export is under way', () => {
  const token = (life: number) => reply(200, {}, { access_token: `t${life}`, expires_in: life })
  const refused = reply(401, {}, { error: 'invalid_client', error_description: 'the secret has expired' })

  test.each([
    ['status', 'GET /status'],
    ['file', 'GET /file'],
  ])('is BULK_UNAUTHORIZED, retryable, at the %s: the operator can mend it', async (step, route) => {
    const server = await startOddityServer()
    const { wait, download, clock } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on('POST /token', token(60), refused).on(route, reply(step === 'status' ? 202 : 200))
    await download().catch(() => undefined)
    clock.pass(60_000)
    const began = clock.now().getTime()
    const error = await failureOf(step === 'status' ? wait() : download())
    expect(error).toMatchObject({ code: 'BULK_UNAUTHORIZED', retryable: true, facts: { step: 'token', status: 401 } })
    expect([error.message, error.hint]).toEqual([
      expect.stringContaining('the secret has expired'),
      expect.stringMatching(/check the secret/),
    ])
    expect(clock.now().getTime() - began).toBeLessThan(60_000)
  })
})

/** Bugs of other clients in waiting, signing in and addresses; those of downloads are in file-bugs-of-others.test.ts. */
import { describe, expect, test } from 'vitest'
import { clientFor, failureOf, tokensOf, waitFor } from './client-fixture.ts'
import { MANIFEST, only, reply, startOddityServer } from './oddity-server.ts'

const signal = new AbortController().signal
const HOUR_MS = 3_600_000

describe('1: Retry-After as an HTTP-date', () => {
  test('is a wait until that date, not NaN, and no poll comes before it', async () => {
    const server = await startOddityServer()
    const { wait, clock } = clientFor(server.baseUrl)
    const date = new Date(clock.now().getTime() + 45_000)
    server.on('GET /status', reply(202, { 'Retry-After': date.toUTCString() }), reply(200, {}, MANIFEST))
    await wait()
    expect(clock.now()).toEqual(date)
    expect(server.asked.length).toBe(2)
  })

  test.each(['not a date', 'Sun, 99 Foo 2026 99:99:99 GMT', 'NaN', '-1', '0'])(
    'or as what is none (%s) is a wait of at least a second',
    async (header) => {
      const server = await startOddityServer()
      const { wait, clock } = clientFor(server.baseUrl)
      const working = reply(202, { 'Retry-After': header })
      server.on('GET /status', working, working, working, reply(200, {}, MANIFEST))
      await wait()
      expect(Math.min(...clock.sleeps)).toBeGreaterThanOrEqual(1000)
      expect(server.asked.length).toBe(4)
    },
  )
})

test('3: the SMART configuration is looked for below the base, however long its path', async () => {
  const server = await startOddityServer()
  const at = '/tenant/7/fhir/r4'
  server
    .on(`GET ${at}/.well-known/smart-configuration`, reply(200, {}, { token_endpoint: '/tenant/7/token' }))
    .on('POST /tenant/7/token', reply(200, {}, { access_token: 'token-1', expires_in: 300 }))
    .on(`GET ${at}/$export`, only('token-1', reply(202, { 'Content-Location': '/status' })))
  const { kickOff } = clientFor(new URL(`${server.origin}${at}/`), {
    auth: { kind: 'client-secret', clientId: 'stoker', secret: 's', method: 'post' },
  })
  await kickOff()
  expect(server.asked.map(({ path }) => path)).toEqual([
    `${at}/.well-known/smart-configuration`,
    '/tenant/7/token',
    `${at}/$export`,
  ])
})

test('4: a manifest without error is one without errors', async () => {
  const server = await startOddityServer()
  const { error: _, deleted: __, ...rest } = MANIFEST
  server.on('GET /status', reply(200, {}, { ...rest, output: [{ type: 'Patient', url: '/file' }] }))
  const manifest = await clientFor(server.baseUrl).wait()
  expect([manifest.output.length, manifest.deleted, manifest.error]).toEqual([1, [], []])
})

describe('5: the token never goes to presigned storage', () => {
  const scene = async () => {
    const server = await startOddityServer()
    const storage = await startOddityServer()
    // Amazon S3 answers 400 to a signature and an Authorization at once.
    storage.on('GET /blob', (asked, response) =>
      reply(asked.headers.authorization === undefined ? 200 : 400, {}, '{}\n')(asked, response),
    )
    const fixture = clientFor(server.baseUrl, { auth: tokensOf(server) })
    const seen = () => storage.asked.map(({ headers }) => headers.authorization)
    return { server, storage, ...fixture, seen, blob: `${storage.origin}/blob?X-Amz-Signature=1` }
  }

  test.each([true, false])('named by the manifest, with requiresAccessToken %s', async (requires) => {
    const { download, seen, blob } = await scene()
    expect((await download(blob, requires)).toString()).toBe('{}\n')
    expect(seen()).toEqual([undefined])
  })

  test('reached by a redirect of the server', async () => {
    const { server, download, seen, blob } = await scene()
    server.on('GET /file', only('token-1', reply(307, { Location: blob })))
    expect((await download()).toString()).toBe('{}\n')
    expect(seen()).toEqual([undefined])
  })
})

describe('11: an export that never ends', () => {
  test.each([
    ['says 202 for ever', reply(202)],
    ['says 202 for ever, with a manifest that never is whole', reply(202, {}, MANIFEST)],
    ['is busy for ever', reply(429)],
    [
      'is broken for ever, and says it will pass',
      reply(500, {}, { resourceType: 'OperationOutcome', issue: [{ code: 'transient' }] }),
    ],
  ])('because the server %s is given up at its deadline', async (_, answer) => {
    const server = await startOddityServer()
    const { client, clock } = clientFor(server.baseUrl)
    server.on('GET /status', answer)
    const deadline = new Date(clock.now().getTime() + 6 * HOUR_MS)
    const error = await failureOf(
      waitFor(client, `${server.origin}/status`, { deadline, onProgress: () => undefined, signal }),
    )
    expect([error.code, error.retryable]).toEqual(['BULK_DEADLINE', false])
    expect(clock.now().getTime() - deadline.getTime()).toBeLessThan(60_000)
  })

  test('because it was never begun: a place for it is waited for until the deadline, and no longer', async () => {
    const server = await startOddityServer()
    const { client, clock } = clientFor(server.baseUrl)
    server.on('GET /fhir/$export', reply(429, { 'Retry-After': '1800' }))
    const deadline = new Date(clock.now().getTime() + 24 * HOUR_MS)
    const asking = client.kickOff({ level: { kind: 'system' }, types: ['Patient'] }, signal, deadline)
    expect(await failureOf(asking)).toMatchObject({ code: 'BULK_BUSY', retryable: true })
    expect(clock.now()).toEqual(deadline)
    expect(server.asked.length).toBe(49)
  })
})

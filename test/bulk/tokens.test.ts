import { describe, expect, test } from 'vitest'
import type { BulkAuth } from '../../src/bulk/auth/tokens.ts'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { clientFor, failureOf, tokensOf } from './client-fixture.ts'
import { MANIFEST, only, reply, startOddityServer } from './oddity-server.ts'

const never = new AbortController().signal
const accepted = reply(202, { 'Content-Location': '/status' })

describe('tokens', () => {
  test('many requests at once share one token request', async () => {
    const server = await startOddityServer()
    const { download } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on('GET /file', only('token-1', reply(200)))
    await Promise.all(Array.from({ length: 25 }, () => download()))
    expect(server.askedOf('POST /token').length).toBe(1)
  })

  test('many requests that are refused at once share one new token', async () => {
    const server = await startOddityServer()
    const { download } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on('GET /file', only('token-2', reply(200)))
    await Promise.all(Array.from({ length: 25 }, () => download()))
    expect(server.askedOf('POST /token').length).toBe(2)
  })

  test('a request that is given up while it waits for the token does not end the others', async () => {
    const server = await startOddityServer()
    const { client, kickOff } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    const controller = new AbortController()
    server.on('GET /fhir/$export', only('token-1', accepted))
    server.on('POST /token', () => controller.abort(), reply(200, {}, { access_token: 'token-1' }))
    const given = client.release(`${server.origin}/status`, controller.signal)
    const kept = kickOff()
    await expect(given).rejects.toMatchObject({ name: 'AbortError' })
    await expect(kept).resolves.toBeDefined()
  })

  test('each try of a token request has an assertion of its own, made when it is sent', async () => {
    const { clientId, privateJwk } = await demoKeyPair('ES384')
    const server = await startOddityServer()
    const tokenUrl = new URL('/token', server.origin)
    const { download, clock } = clientFor(server.baseUrl, {
      auth: { kind: 'private-key-jwt', clientId, keyText: JSON.stringify(privateJwk), tokenUrl },
    })
    const given = reply(200, {}, { access_token: 'token-1', expires_in: 300 })
    server.on('POST /token', reply(429, { 'Retry-After': '1200' }), reply(503), given)
    server.on('GET /file', only('token-1', reply(200)))
    const began = clock.now().getTime() / 1000
    await download()
    await download()
    const claims = server.askedOf('POST /token').map(({ body }) => {
      const assertion = new URLSearchParams(body).get('client_assertion') ?? ''
      return JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString()) as Record<string, number>
    })
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3)
    expect(claims.map(({ iat, exp }) => exp! - iat!)).toEqual([300, 300, 300])
    expect(claims[0]!.iat).toBe(began)
    expect(claims[1]!.iat).toBeGreaterThanOrEqual(began + 1200)
  })

  test('a token that lives six seconds is renewed in the middle of a job, before it expires', async () => {
    const server = await startOddityServer()
    const auth = tokensOf(server, 6)
    const { wait, clock } = clientFor(server.baseUrl, { auth })
    const expiry = new Map<string, number>()
    const guarded =
      (answer: ReturnType<typeof reply>): ReturnType<typeof reply> =>
      (asked, response) => {
        const token = asked.headers.authorization ?? ''
        if (!expiry.has(token)) expiry.set(token, clock.now().getTime() + 6000)
        ;(clock.now().getTime() < expiry.get(token)! ? answer : reply(401))(asked, response)
      }
    const working = guarded(reply(202, { 'Retry-After': '3' }))
    server.on('GET /status', ...Array.from({ length: 9 }, () => working), guarded(reply(200, {}, MANIFEST)))
    await wait()
    expect(server.askedOf('GET /status').length).toBe(10)
    expect(server.askedOf('POST /token').length).toBe(5)
  })

  test('the token endpoint is discovered once, however often the token is renewed', async () => {
    const server = await startOddityServer()
    const { tokenUrl: _, ...auth } = tokensOf(server, 6) as Extract<BulkAuth, { kind: 'client-secret' }>
    server.on('GET /fhir/.well-known/smart-configuration', reply(200, {}, { token_endpoint: `${server.origin}/token` }))
    server.on(
      'GET /status',
      ...Array.from({ length: 5 }, () => reply(202, { 'Retry-After': '10' })),
      reply(200, {}, MANIFEST),
    )
    await clientFor(server.baseUrl, { auth }).wait()
    expect(server.askedOf('POST /token').length).toBe(6)
    expect(server.askedOf('GET /fhir/.well-known/smart-configuration').length).toBe(1)
  })

  test.each([
    ['kick-off', 'GET /fhir/$export', accepted],
    ['status', 'GET /status', reply(200, {}, MANIFEST)],
    ['file', 'GET /file', reply(200, {}, '{}\n')],
    ['release', 'DELETE /status', reply(202)],
  ])('a 401 in the %s phase leads to exactly one new token and success', async (phase, route, answer) => {
    const server = await startOddityServer()
    const { client, kickOff, wait, download, clock } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on(route, only('token-2', answer))
    const release = () => client.release(`${server.origin}/status`, never)
    await { 'kick-off': kickOff, status: wait, file: download, release }[phase]!()
    expect(server.askedOf(route).map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ])
    expect(server.askedOf('POST /token').length).toBe(2)
    expect(clock.sleeps).toEqual([])
  })

  test.each([
    ['kick-off', 'GET /fhir/$export'],
    ['status', 'GET /status'],
    ['file', 'GET /file'],
    ['release', 'DELETE /status'],
  ])('a second 401 in the %s phase is BULK_UNAUTHORIZED, and says where to look', async (phase, route) => {
    const server = await startOddityServer()
    const { client, kickOff, wait, download } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on(route, reply(401, { 'Content-Type': 'text/html' }, '<h1>Unauthorized</h1>'))
    const release = () => client.release(`${server.origin}/status`, never)
    const error = await failureOf({ 'kick-off': kickOff, status: wait, file: download, release }[phase]!())
    expect(error).toMatchObject({ code: 'BULK_UNAUTHORIZED', facts: { status: 401, step: phase } })
    // An export that is under way is there still when the operator has mended it.
    expect(error.retryable).toBe(phase === 'status' || phase === 'file')
    expect(error.hint).toMatch(/new token was not taken either.*scope/)
    expect(server.askedOf(route).length).toBe(2)
    expect(server.askedOf('POST /token').length).toBe(2)
  })

  test('a server that forgets its tokens again and again gets a new one each time, in a wait of days', async () => {
    const server = await startOddityServer()
    const { wait } = clientFor(server.baseUrl, { auth: tokensOf(server, 86_400) })
    const forgetful = [reply(202, { 'Retry-After': '3600' }), reply(401)]
    server.on(
      'GET /status',
      ...Array.from({ length: 20 }, (_, index) => forgetful[index % 2]!),
      reply(200, {}, MANIFEST),
    )
    await wait()
    expect(server.askedOf('POST /token').length).toBe(11)
  })

  test('an outage between two 401s does not make the second one the last', async () => {
    const server = await startOddityServer()
    const { wait } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on('GET /status', reply(401), reply(503), reply(401), reply(503), reply(401), reply(200, {}, MANIFEST))
    await wait()
    expect(server.askedOf('POST /token').length).toBe(4)
  })

  test('a 401 with auth none is BULK_UNAUTHORIZED at once, and says that the server wants a token', async () => {
    const server = await startOddityServer()
    server.on('GET /fhir/$export', reply(401))
    const error = await failureOf(clientFor(server.baseUrl).kickOff())
    expect([error.code, error.retryable, server.asked.length]).toEqual(['BULK_UNAUTHORIZED', false, 1])
    expect(error.hint).toMatch(/wants a token.*check auth/)
  })

  test('a 401 with a bearer token is BULK_UNAUTHORIZED at once, and says that it can not be renewed', async () => {
    const server = await startOddityServer()
    server.on('GET /status', reply(202, { 'Retry-After': '3600' }), reply(401))
    const error = await failureOf(clientFor(server.baseUrl, { auth: { kind: 'bearer', token: 'given' } }).wait())
    expect([error.code, error.retryable, server.asked.length]).toEqual(['BULK_UNAUTHORIZED', true, 2])
    expect(error.hint).toMatch(/can not be renewed.*new token/)
  })

  test('a 400 that passes (Epic) is tried again, each time with an assertion of its own', async () => {
    const { clientId, privateJwk } = await demoKeyPair('ES384')
    const server = await startOddityServer()
    const tokenUrl = new URL('/token', server.origin)
    const { kickOff } = clientFor(server.baseUrl, {
      auth: { kind: 'private-key-jwt', clientId, keyText: JSON.stringify(privateJwk), tokenUrl },
    })
    server.on('GET /fhir/$export', only('token-1', accepted))
    server.on('POST /token', reply(400), reply(400, {}, '<html>'), reply(200, {}, { access_token: 'token-1' }))
    await kickOff()
    expect(new Set(server.askedOf('POST /token').map(({ body }) => body)).size).toBe(3)
  })

  test('a 400 that stays is the last word after three tries', async () => {
    const server = await startOddityServer()
    const { kickOff } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on('POST /token', reply(400, {}, { error: 'invalid_client' }))
    expect((await failureOf(kickOff())).code).toBe('BULK_REFUSED')
    expect(server.askedOf('POST /token').length).toBe(3)
  })

  test.each([
    [undefined, 300],
    [0, 300],
    [-5, 300],
    ['soon', 300],
    ['60', 60],
    [1, 1],
  ])('expires_in %s counts as a life of %i seconds', async (expiresIn, seconds) => {
    const server = await startOddityServer()
    const auth = tokensOf(server)
    server.on('POST /token', reply(200, {}, { access_token: 'token-1', expires_in: expiresIn }))
    server.on('GET /file', reply(200))
    const { download, clock } = clientFor(server.baseUrl, { auth })
    await download()
    // Renewed half a minute before its end, or when a third of its life is left.
    clock.pass(Math.floor(seconds * 1000 - Math.min(30_000, (seconds * 1000) / 3)) - 1)
    await download()
    expect(server.askedOf('POST /token').length).toBe(1)
    clock.pass(2)
    await download()
    expect(server.askedOf('POST /token').length).toBe(2)
  })

  test('a refused token request shows the OAuth error', async () => {
    const server = await startOddityServer()
    const { kickOff } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on('POST /token', reply(400, {}, { error: 'invalid_client', error_description: 'unknown kid' }))
    const error = await failureOf(kickOff())
    expect(error).toMatchObject({ code: 'BULK_REFUSED', retryable: false })
    expect(error.message).toContain('invalid_client: unknown kid')
  })

  test('a refused token request says which key of which client to look at, and where', async () => {
    const { clientId, privateJwk } = await demoKeyPair('ES384')
    const server = await startOddityServer()
    const tokenUrl = new URL('/token?tenant=1', server.origin)
    const { kickOff } = clientFor(server.baseUrl, {
      auth: { kind: 'private-key-jwt', clientId, keyText: JSON.stringify(privateJwk), tokenUrl, scope: 'system/*.rs' },
    })
    server.on('POST /token', reply(401, {}, { error: 'invalid_client' }))
    const { hint } = await failureOf(kickOff())
    for (const part of [clientId, privateJwk.kid, 'ES384', `${server.origin}/token`, 'system/*.rs']) {
      expect(hint).toContain(part)
    }
    expect(hint).not.toContain('tenant')
  })

  test.each([
    ['no token', {}],
    ['HTML', '<html>'],
    ['a number', { access_token: 7 }],
    ['nothing', ''],
  ])('a token endpoint that answers 200 with %s is BULK_TOKEN_INVALID', async (_, body) => {
    const server = await startOddityServer()
    const { kickOff } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on('POST /token', reply(200, {}, body))
    expect((await failureOf(kickOff())).code).toBe('BULK_TOKEN_INVALID')
  })
})

import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { BulkAuth } from '../../src/bulk/tokens.ts'
import { demoKeyPair, type DemoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { startDemoServer } from '../../src/demo/server.ts'
import { clientFor, failureOf, tokensOf } from './client-fixture.ts'
import { FastClock } from './fast-clock.ts'
import { MANIFEST, only, reply, startOddityServer } from './oddity-server.ts'

const ALGORITHMS = ['RS384', 'ES384', 'ES256', 'RS256'] as const
const FORMS = {
  JWK: ({ privateJwk }: DemoKeyPair) => JSON.stringify(privateJwk),
  JWKS: ({ privateJwk, jwks }: DemoKeyPair) => JSON.stringify({ keys: [...jwks.keys, privateJwk] }),
  PEM: ({ privateJwk }: DemoKeyPair) => pemOf(privateJwk as { kty: string }),
}
const accepted = reply(202, { 'Content-Location': '/status' })

const pairs = new Map<string, DemoKeyPair>()
beforeAll(async () => {
  for (const algorithm of ALGORITHMS) pairs.set(algorithm, await demoKeyPair(algorithm))
})

function pemOf(key: { kty: string }): string {
  return createPrivateKey({ key, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString()
}

describe('SMART Backend Services', () => {
  test.each(
    ALGORITHMS.flatMap((algorithm) =>
      (Object.keys(FORMS) as (keyof typeof FORMS)[]).map((form) => [algorithm, form] as const),
    ),
  )('signs in with %s and the key as %s', async (algorithm, form) => {
    const pair = pairs.get(algorithm)!
    const server = await startDemoServer({ patients: 1, auth: pair, clock: new FastClock() })
    onTestFinished(() => server.stop())
    // Nothing in a PEM tells RS256 from RS384, or names the key.
    const named = form === 'PEM' ? { keyId: pair.privateJwk.kid, ...(algorithm === 'RS256' && { algorithm }) } : {}
    const { kickOff } = clientFor(new URL(`${server.baseUrl}/`), {
      auth: { kind: 'private-key-jwt', clientId: pair.clientId, keyText: FORMS[form](pair), ...named },
    })
    await kickOff()
    expect(server.requests).toMatchObject({ tokens: 1, kickOffs: 1 })
  })

  test.each([
    ['is no key', () => 'no key', {}],
    ['is cut off JSON', () => '{"kty":', {}],
    ['has only the public half', () => JSON.stringify(pairs.get('ES384')!.jwks), {}],
    ['is not in the set under that id', () => FORMS.JWKS(pairs.get('ES384')!), { keyId: 'another' }],
    ['does not fit the algorithm', () => FORMS.JWK(pairs.get('ES384')!), { algorithm: 'RS384' as const }],
    [
      'is of a kind that SMART does not know',
      () => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      {},
    ],
    [
      'is too short',
      () =>
        generateKeyPairSync('rsa', { modulusLength: 1024 })
          .privateKey.export({ type: 'pkcs8', format: 'pem' })
          .toString(),
      {},
    ],
  ])('a key that %s is BULK_KEY_UNUSABLE, before anybody is asked for a token', async (_, keyText, more) => {
    const server = await startOddityServer()
    const { kickOff } = clientFor(server.baseUrl, {
      auth: {
        kind: 'private-key-jwt',
        clientId: 'stoker',
        keyText: keyText(),
        tokenUrl: new URL('/token', server.origin),
        ...more,
      },
    })
    const error = await failureOf(kickOff())
    expect([error.code, error.retryable, server.asked.length]).toEqual(['BULK_KEY_UNUSABLE', false, 0])
  })
})

describe('a client secret', () => {
  const secret = 'pass word:%+ü'
  const signIn = async (method: 'basic' | 'post') => {
    const server = await startOddityServer()
    const { kickOff } = clientFor(server.baseUrl, {
      auth: { ...tokensOf(server), clientId: 'a:client', secret, method } as BulkAuth,
    })
    server.on('GET /fhir/$export', only('token-1', accepted))
    await kickOff()
    const asked = server.askedOf('POST /token')[0]!
    return { authorization: asked.headers.authorization, form: new URLSearchParams(asked.body) }
  }

  test('goes in the Authorization header with method basic, each part form-encoded, and nowhere else', async () => {
    const { authorization, form } = await signIn('basic')
    const pair = Buffer.from(/^Basic (\S+)$/.exec(authorization ?? '')?.[1] ?? '', 'base64')
      .toString()
      .split(':')
    expect(pair.map(decodeURIComponent)).toEqual(['a:client', secret])
    expect([...form.keys()]).toEqual(['grant_type'])
  })

  test('goes in the body with method post, and nowhere else', async () => {
    const { authorization, form } = await signIn('post')
    expect(authorization).toBeUndefined()
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'client_credentials',
      client_id: 'a:client',
      client_secret: secret,
    })
  })
})

test('a bearer token is sent as it is, and no token endpoint is looked for', async () => {
  const server = await startOddityServer()
  server.on('GET /fhir/$export', only('given', accepted))
  await clientFor(server.baseUrl, { auth: { kind: 'bearer', token: 'given' } }).kickOff()
  expect(server.asked.length).toBe(1)
})

test('auth none sends no Authorization and asks nothing but the export', async () => {
  const server = await startOddityServer()
  server.on('GET /fhir/$export', accepted)
  await clientFor(server.baseUrl).kickOff()
  expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([undefined])
})

test.each([
  ['system/*.rs', 'system/*.rs'],
  [undefined, null],
])('scope %s is sent as %s', async (scope, sent) => {
  const server = await startOddityServer()
  const { kickOff } = clientFor(server.baseUrl, { auth: { ...tokensOf(server), scope } as BulkAuth })
  server.on('GET /fhir/$export', accepted)
  await kickOff()
  expect(new URLSearchParams(server.askedOf('POST /token')[0]!.body).get('scope')).toBe(sent)
})

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
  ])('a 401 in the %s phase leads to exactly one new token and success', async (phase, route, answer) => {
    const server = await startOddityServer()
    const { kickOff, wait, download, clock } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on(route, only('token-2', answer))
    await { 'kick-off': kickOff, status: wait, file: download }[phase]!()
    expect(server.askedOf(route).map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ])
    expect(server.askedOf('POST /token').length).toBe(2)
    expect(clock.sleeps).toEqual([])
  })

  test('a second 401 is BULK_UNAUTHORIZED', async () => {
    const server = await startOddityServer()
    const { kickOff } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on('GET /fhir/$export', reply(401, { 'Content-Type': 'text/html' }, '<h1>Unauthorized</h1>'))
    expect(await failureOf(kickOff())).toMatchObject({
      code: 'BULK_UNAUTHORIZED',
      retryable: false,
      facts: { status: 401 },
    })
    expect(server.askedOf('GET /fhir/$export').length).toBe(2)
    expect(server.askedOf('POST /token').length).toBe(2)
  })

  test.each([
    ['none', { kind: 'none' }],
    ['bearer', { kind: 'bearer', token: 'given' }],
  ] as const)('a 401 with auth %s is BULK_UNAUTHORIZED with a way out', async (_, auth) => {
    const server = await startOddityServer()
    server.on('GET /fhir/$export', reply(401))
    const error = await failureOf(clientFor(server.baseUrl, { auth }).kickOff())
    expect([error.code, error.retryable]).toEqual(['BULK_UNAUTHORIZED', false])
    expect(error.hint).toMatch(/check/)
  })

  test('a refused token request shows the OAuth error', async () => {
    const server = await startOddityServer()
    const { kickOff } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    server.on('POST /token', reply(400, {}, { error: 'invalid_client', error_description: 'unknown kid' }))
    const error = await failureOf(kickOff())
    expect(error).toMatchObject({ code: 'BULK_REFUSED', retryable: false })
    expect(error.message).toContain('invalid_client: unknown kid')
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

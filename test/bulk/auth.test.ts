import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { BulkAuth } from '../../src/bulk/auth/tokens.ts'
import { demoKeyPair, type DemoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { startDemoServer } from '../../src/demo/server.ts'
import { clientFor, failureOf, tokensOf } from './client-fixture.ts'
import { FastClock } from './fast-clock.ts'
import { only, reply, startOddityServer } from './oddity-server.ts'

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

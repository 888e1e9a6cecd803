import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { demoKeyPair, type DemoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import {
  askToken,
  assertionFor,
  bearer,
  exportAll,
  kickOff,
  manifestOf,
  signIn,
  type AssertionParts,
} from './demo-client.ts'

let nowOffsetMs = 0
let pair: DemoKeyPair
let server: DemoServer
beforeAll(async () => {
  pair = await demoKeyPair()
  const clock = { ...systemClock, now: () => new Date(Date.now() + nowOffsetMs) }
  server = await startDemoServer({ patients: 2, auth: pair, clock, behaviour: { pollsBeforeDone: 0 } })
})
afterAll(() => server.stop())

describe('the token endpoint', () => {
  it.each(['ES384', 'RS384', 'ES256', 'RS256'] as const)('accepts an assertion signed with %s', async (algorithm) => {
    const own = await demoKeyPair(algorithm)
    const another = await startDemoServer({ patients: 1, auth: own })
    try {
      const response = await askToken(another, await assertionFor(another, own))
      expect(response.status).toBe(200)
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(await response.json()).toMatchObject({ token_type: 'bearer', expires_in: 300, scope: 'system/*.read' })
    } finally {
      await another.stop()
    }
  })

  it.each<[string, AssertionParts]>([
    ['for another audience', { claims: { aud: 'http://127.0.0.1/elsewhere' } }],
    ['that lives longer than five minutes', { claims: { exp: Math.floor(Date.now() / 1000) + 900 } }],
    ['that has expired', { claims: { exp: Math.floor(Date.now() / 1000) - 60 } }],
    ['of another client', { claims: { iss: 'somebody', sub: 'somebody' } }],
    ['with an unknown kid', { header: { kid: 'not-registered' } }],
    ['without a kid', { header: { kid: undefined } }],
    ['without a jti', { claims: { jti: undefined } }],
  ])('refuses an assertion %s', async (_, parts) => {
    const response = await askToken(server, await assertionFor(server, pair, parts))
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: 'invalid_client' })
  })

  it('refuses an assertion signed with a key nobody registered', async () => {
    const stranger = { ...(await demoKeyPair()), clientId: pair.clientId }
    expect((await askToken(server, await assertionFor(server, stranger))).status).toBe(401)
  })

  it('takes an assertion once', async () => {
    const assertion = await assertionFor(server, pair)
    expect((await askToken(server, assertion)).status).toBe(200)
    expect((await askToken(server, assertion)).status).toBe(401)
  })

  it.each([
    ['another grant type', { grant_type: 'password' }, 'unsupported_grant_type'],
    ['another assertion type', { client_assertion_type: 'jwt' }, 'invalid_request'],
    ['scopes that read nothing', { scope: 'patient/*.write' }, 'invalid_scope'],
  ])('names its error for %s', async (_, form, error) => {
    const response = await askToken(server, await assertionFor(server, pair), form)
    expect([response.status, ((await response.json()) as { error: string }).error]).toEqual([400, error])
  })
})

describe('with authorization', () => {
  it('an export works with a token from the token endpoint that the server itself names', async () => {
    const smart = await (await fetch(`${server.baseUrl}/.well-known/smart-configuration`)).json()
    expect(smart).toMatchObject({
      token_endpoint: server.tokenUrl,
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
    })
    expect(JSON.stringify(await (await fetch(`${server.baseUrl}/metadata`)).json())).toContain(server.tokenUrl)
    const { manifest, keys } = await exportAll(server, 'Patient/$export', await signIn(server, pair))
    expect(manifest.requiresAccessToken).toBe(true)
    expect(keys.length).toBeGreaterThan(10)
  })

  it('every step asks for the token: kick-off, status, file, deletion', async () => {
    const token = await signIn(server, pair)
    const accepted = await kickOff(server, '$export?_type=Patient', { headers: bearer(token) })
    const status = accepted.headers.get('content-location')!
    const { output } = await manifestOf(accepted, token)
    for (const response of [
      await kickOff(server, '$export'),
      await kickOff(server, '$export', { headers: bearer('made-up') }),
      await fetch(status),
      await fetch(output[0]!.url),
      await fetch(status, { method: 'DELETE' }),
    ]) {
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toContain('Bearer')
      expect(await response.json()).toMatchObject({ resourceType: 'OperationOutcome' })
    }
  })

  it('a token ends after its five minutes', async () => {
    const token = await signIn(server, pair)
    nowOffsetMs = 299_000
    expect((await kickOff(server, '$export', { headers: bearer(token) })).status).toBe(202)
    nowOffsetMs = 301_000
    expect((await kickOff(server, '$export', { headers: bearer(token) })).status).toBe(401)
    nowOffsetMs = 0
  })

  it('scopes limit the types: what is asked beyond them is forbidden, what is not asked is left out', async () => {
    const token = await signIn(server, pair, 'system/Patient.rs system/Condition.read')
    expect((await kickOff(server, '$export?_type=Observation', { headers: bearer(token) })).status).toBe(403)
    const { output } = await manifestOf(await kickOff(server, '$export', { headers: bearer(token) }), token)
    expect(output.map(({ type }) => type).sort()).toEqual(['Condition', 'Patient'])
  })
})

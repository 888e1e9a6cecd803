import { describe, expect, it } from 'vitest'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { behaviourFixture } from './behaviour-fixture.ts'
import { askToken, assertionFor, bearer, kickOff, signIn } from './demo-client.ts'

const pair = await demoKeyPair()
const clientSecret = 'p/w:d & 100%'
const fixture = behaviourFixture({ patients: 1, auth: { ...pair, clientSecret } })
// The assertions live by this machine's clock.
fixture.nowMs = Date.now()

it('tokenLifeSeconds: a token may end in the middle of a job', async () => {
  fixture.behave({ tokenLifeSeconds: 6 })
  const response = await askToken(fixture.server, await assertionFor(fixture.server, pair))
  const { access_token: token, expires_in: life } = (await response.json()) as Record<string, string>
  expect(life).toBe(6)
  const accepted = await kickOff(fixture.server, '$export', { headers: bearer(token) })
  const poll = () => fetch(accepted.headers.get('content-location')!, { headers: bearer(token) })
  expect((await poll()).status).toBe(200)
  fixture.nowMs += 6000
  expect((await poll()).status).toBe(401)
  fixture.nowMs -= 6000
})

it('tokenFailures: the first requests are answered with something no client understands', async () => {
  fixture.behave({ tokenFailures: 2 })
  const ask = async () => await askToken(fixture.server, await assertionFor(fixture.server, pair))
  for (let i = 0; i < 2; i++) {
    const flaky = await ask()
    expect([flaky.status, flaky.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8'])
  }
  expect((await ask()).status).toBe(200)
})

it('scopeForbids: a token with a scope may not export, one without may', async () => {
  fixture.behave({ scopeForbids: true })
  for (const [scope, status] of [
    ['system/*.rs', 403],
    ['', 202],
  ] as const) {
    const token = await signIn(fixture.server, pair, scope)
    expect((await kickOff(fixture.server, '$export', { headers: bearer(token) })).status).toBe(status)
  }
})

it('unauthorizedForm html: a 401 is a page, and no header says what is wanted', async () => {
  fixture.behave({ unauthorizedForm: 'html' })
  const refused = await kickOff(fixture.server, '$export')
  expect(refused.status).toBe(401)
  expect(refused.headers.get('www-authenticate')).toBeNull()
  expect(refused.headers.get('content-type')).toContain('text/html')
  expect(await refused.text()).toContain('<html>')
})

describe('a client with a secret', () => {
  const ask = (init: { headers?: Record<string, string>; form?: Record<string, string> }) =>
    fetch(fixture.server.tokenUrl, {
      method: 'POST',
      headers: init.headers ?? {},
      body: new URLSearchParams({ grant_type: 'client_credentials', ...init.form }),
    })
  const basic = (id: string, secret: string) => {
    const encoded = (text: string) => new URLSearchParams({ text }).toString().slice('text='.length)
    return { Authorization: `Basic ${Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64')}` }
  }

  it('gets a token by HTTP Basic and by the form, as the server says it may', async () => {
    const smart = await (await fetch(`${fixture.server.baseUrl}/.well-known/smart-configuration`)).json()
    expect(smart).toMatchObject({
      token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic', 'client_secret_post'],
    })
    for (const response of [
      await ask({ headers: basic(pair.clientId, clientSecret) }),
      await ask({ form: { client_id: pair.clientId, client_secret: clientSecret } }),
    ]) {
      expect(response.status).toBe(200)
      const { access_token: token } = (await response.json()) as Record<string, string>
      expect((await kickOff(fixture.server, '$export', { headers: bearer(token) })).status).toBe(202)
    }
  })

  it('gets none with another id or secret', async () => {
    for (const response of [
      await ask({ headers: basic(pair.clientId, 'wrong') }),
      await ask({ headers: basic('somebody', clientSecret) }),
      await ask({ form: { client_id: pair.clientId, client_secret: '' } }),
    ]) {
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ error: 'invalid_client' })
    }
  })

  it('beside which signed assertions go on working', async () => {
    expect((await askToken(fixture.server, await assertionFor(fixture.server, pair))).status).toBe(200)
  })
})

describe('a client with a secret alone', () => {
  const own = behaviourFixture({ patients: 1, auth: { clientId: 'bcda', clientSecret } })

  it('cannot come with an assertion', async () => {
    const smart = await (await fetch(`${own.server.baseUrl}/.well-known/smart-configuration`)).json()
    expect(smart).toMatchObject({
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    })
    expect((await askToken(own.server, await assertionFor(own.server, pair))).status).toBe(401)
  })
})

/** `check` against a server that is well, and against one that is wrong in one way at a time. */
import { generateKeyPairSync } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { CheckLine, CheckStep } from '../../src/bulk/check/line.ts'
import { wayOutOf } from '../../src/bulk/check/line.ts'
import type { CheckRequest } from '../../src/bulk/check/check.ts'
import type { BulkClientOptions } from '../../src/bulk/client.ts'
import { STANDARD_PROFILE } from '../../src/bulk/server/profile.ts'
import type { BulkAuth } from '../../src/bulk/auth/tokens.ts'
import { StokerError } from '../../src/core/errors.ts'
import { clientFor } from './client-fixture.ts'
import { FastClock } from './fast-clock.ts'
import { deadPort, only, outcome, reply, stall, startOddityServer } from './oddity-server.ts'
import type { Asked, OddityServer } from './oddity-server.ts'

const never = new AbortController().signal

const EC_KEY = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString()

const SIGNED: BulkAuth = { kind: 'private-key-jwt', clientId: 'stoker', keyText: EC_KEY, scope: 'system/*.read' }
const SECRET: BulkAuth = {
  kind: 'client-secret',
  clientId: 'stoker',
  secret: 'a-client-secret',
  method: 'basic',
  scope: 'system/*.read',
}

const STATEMENT = {
  resourceType: 'CapabilityStatement',
  fhirVersion: '4.0.1',
  software: { name: 'Odd Server' },
  rest: [
    {
      operation: [{ name: 'export' }],
      resource: [
        { type: 'Patient', operation: [{ name: 'export' }] },
        { type: 'Group', operation: [{ name: 'export' }], interaction: [{ code: 'read' }] },
      ],
    },
  ],
}

/** The server's clock, which is that of the test too. */
const NOW = new FastClock().now()
const date = { Date: NOW.toUTCString() }

/** A server on which everything works. */
async function wellServer(): Promise<OddityServer> {
  const server = await startOddityServer()
  return server
    .on('GET /fhir/metadata', reply(200, date, STATEMENT))
    .on(
      'GET /fhir/.well-known/smart-configuration',
      reply(
        200,
        {},
        {
          token_endpoint: `${server.origin}/token`,
          token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_basic'],
          token_endpoint_auth_signing_alg_values_supported: ['ES384'],
          scopes_supported: ['system/*.rs'],
        },
      ),
    )
    .on('POST /token', reply(200, {}, { access_token: 'the-token', token_type: 'bearer', expires_in: 300 }))
    .on('GET /fhir/Patient', only('the-token', reply(200, {}, { resourceType: 'Bundle', total: 4711471 })))
    .on('GET /fhir/Group/g1', only('the-token', reply(200, {}, { resourceType: 'Group', id: 'g1' })))
    .on('GET /fhir/Group/g1/$export', only('the-token', reply(202, { 'Content-Location': '/status/1?key=x' })))
    .on('DELETE /status/1', only('the-token', reply(202)))
}

const REQUEST: CheckRequest['request'] = { level: { kind: 'group', id: 'g1' }, types: ['Patient'] }

async function checked(
  server: OddityServer | URL,
  asked: Partial<CheckRequest> = {},
  options: Partial<BulkClientOptions> = {},
): Promise<CheckLine[]> {
  const auth = asked.auth ?? SIGNED
  const baseUrl = server instanceof URL ? server : server.baseUrl
  const { client, clock } = clientFor(baseUrl, { auth, limits: { attemptsMax: 2 }, ...options })
  const lines: CheckLine[] = []
  const all = { request: REQUEST, auth, manifestUrl: undefined, tryExport: false, ...asked }
  for await (const line of client.check(all, never)) lines.push(line)
  expect(clock.sleeps.length).toBeLessThan(8)
  // Whatever was found, nothing that must stay secret is in it, and no failure leaves its reader alone.
  expect(JSON.stringify(lines)).not.toMatch(/the-token|a-client-secret|eyJ|key=x|4711471|BEGIN/)
  expect(lines.filter(({ verdict, wayOut }) => verdict === 'failed' && !wayOut)).toEqual([])
  return lines
}

function brief(lines: readonly CheckLine[]): string[] {
  return lines.map(({ step, verdict }) => `${step} ${verdict}`)
}

function lineOf(lines: readonly CheckLine[], step: CheckStep): string {
  const found = lines.filter((line) => line.step === step)
  return found.map(({ verdict, text, wayOut }) => `${verdict}: ${text} → ${wayOut ?? ''}`).join('\n')
}

describe('a server that takes the connection and never answers', () => {
  const silent = () => undefined
  const hasty = { limits: { tryMsMax: 200 } }

  test('is told of after two tries, with the way out, at whatever step', async () => {
    const server = (await wellServer()).on('GET /fhir/metadata', silent)
    const lines = await checked(server, {}, hasty)
    expect(lineOf(lines, 'server')).toMatch(/^failed: .* does not answer in time → check the network between/)
    expect(server.askedOf('GET /fhir/metadata').length).toBe(2)
    for (const [route, step] of [
      ['POST /token', 'token'],
      ['GET /fhir/Patient', 'access'],
      ['GET /fhir/Group/g1', 'group'],
      ['GET /fhir/Group/g1/$export', 'export'],
      ['DELETE /status/1', 'export'],
    ] as const) {
      const other = (await wellServer()).on(route, silent)
      expect(lineOf(await checked(other, { tryExport: true }, hasty), step)).toContain('does not answer in time')
      expect(other.askedOf(route).length).toBe(2)
    }
  })

  test('with half an answer is told of as well', async () => {
    const server = (await wellServer()).on('GET /fhir/metadata', stall({}, '{"resourceType":'))
    expect(lineOf(await checked(server, {}, hasty), 'server')).toMatch(/^failed: .* does not answer in time/)
  })
})

describe('a server that is well', () => {
  test('passes every step, and no export is asked for', async () => {
    const server = await wellServer()
    const lines = await checked(server)
    expect(brief(lines)).toEqual([
      'key ok',
      'server ok',
      'discovery ok',
      'token ok',
      'clock ok',
      'access ok',
      'group ok',
      'kick-off ok',
    ])
    expect(lineOf(lines, 'kick-off')).toContain(`GET ${server.origin}/fhir/Group/g1/$export?_type=Patient`)
    expect(server.asked.filter(({ path }) => path.includes('$export'))).toEqual([])
  })

  test('passes with a secret, a fixed token, and with nothing', async () => {
    const server = await wellServer()
    const failed = (lines: CheckLine[]) => lines.filter(({ verdict }) => verdict === 'failed')
    expect(failed(await checked(server, { auth: SECRET }))).toEqual([])
    expect(failed(await checked(server, { auth: { kind: 'bearer', token: 'the-token' } }))).toEqual([])
    server.on('GET /fhir/Patient', reply(200)).on('GET /fhir/Group/g1', reply(200))
    server.on('GET /fhir/.well-known/smart-configuration', reply(404))
    expect(failed(await checked(server, { auth: { kind: 'none' } }))).toEqual([])
  })

  test('is asked for an export where that is wanted, of the last minute, which is deleted at once', async () => {
    const server = await wellServer()
    const lines = await checked(server, { tryExport: true })
    expect(brief(lines).slice(-2)).toEqual(['export ok', 'export ok'])
    const [asked] = server.askedOf('GET /fhir/Group/g1/$export')
    expect(decodeURIComponent(asked!.query)).toContain('_since=2026-11-21T09:59:')
    expect(server.askedOf('DELETE /status/1').length).toBe(1)
  })

  test('may publish a manifest instead', async () => {
    const server = await wellServer()
    server.on('GET /fhir/$bulk-publish', only('the-token', reply(200, {}, { output: [{}, {}] })))
    const lines = await checked(server, { manifestUrl: new URL('$bulk-publish', server.baseUrl) })
    expect(lineOf(lines, 'kick-off')).toMatch(/ok: .*\$bulk-publish lists 2 files/)
    const wrong = await checked(server, { manifestUrl: new URL('elsewhere', server.baseUrl) })
    expect(lineOf(wrong, 'kick-off')).toMatch(/failed: .*404.* → correct manifestUrl/)
  })

  test('may want a key of the profile with each request, and the trace tells the steps apart', async () => {
    const server = await wellServer()
    const keyed = (name: string, body: object) => (asked: Asked, response: ServerResponse) => {
      reply(asked.headers['x-api-key'] === name ? 200 : 403, {}, body)(asked, response)
    }
    server
      .on('GET /fhir/$bulk-publish', keyed('published', { output: [{}] }))
      .on('GET /fhir/Patient', keyed('kick-off', {}))
      .on('GET /fhir/Group/g1', keyed('kick-off', {}))
    const key = (name: string) => ({ [name]: { 'x-api-key': name } })
    const profile = { ...STANDARD_PROFILE, headers: { ...key('kick-off'), ...key('published') } }
    const steps: string[] = []
    const trace = { write: (text: string) => steps.push((JSON.parse(text) as { step: string }).step) }
    const group = await checked(server, {}, { profile })
    expect([lineOf(group, 'access'), lineOf(group, 'group')]).toEqual([
      expect.stringMatching(/^ok/),
      expect.stringMatching(/^ok/),
    ])
    const manifestUrl = new URL('$bulk-publish', server.baseUrl)
    expect(lineOf(await checked(server, { manifestUrl }, { profile, trace }), 'kick-off')).toMatch(/^ok/)
    expect(steps.at(-1)).toBe('published')
  })
})

interface Wrong {
  readonly name: string
  readonly how: (server: OddityServer) => void
  readonly asked?: Partial<CheckRequest>
  readonly step: CheckStep
  /** `verdict: text → way out` of the step. */
  readonly says: RegExp
}

const HTML = { 'Content-Type': 'text/html' }
const oauth = (error: string, error_description?: string) => reply(400, {}, { error, error_description })

const WRONG: readonly Wrong[] = [
  {
    name: 'a base URL at which there is nothing',
    how: (server) => server.on('GET /fhir/metadata', reply(404)),
    step: 'server',
    says: /failed: there is nothing at .*\/fhir\/metadata \(404\) → baseUrl is not the FHIR base/,
  },
  {
    name: 'a base URL that leads to a web page',
    how: (server) => server.on('GET /fhir/metadata', reply(200, { ...HTML, ...date }, '<html>Sign in</html>')),
    step: 'server',
    says: /failed: .* answers with a web page → baseUrl leads to something else/,
  },
  {
    name: 'a base URL of something else',
    how: (server) => server.on('GET /fhir/metadata', reply(200, date, { hello: 'world' })),
    step: 'server',
    says: /failed: .* is no CapabilityStatement → baseUrl is not the FHIR base/,
  },
  {
    name: 'a server that is down',
    how: (server) => server.on('GET /fhir/metadata', reply(503, { 'Retry-After': '1' })),
    step: 'server',
    says: /failed: .*503.* → .*(later|again)/,
  },
  {
    name: 'a CapabilityStatement behind the sign-in',
    how: (server) => server.on('GET /fhir/metadata', reply(401)),
    step: 'server',
    says: /warning: .* wants a sign-in \(401\) → it should be public/,
  },
  {
    name: 'no word of where tokens are given',
    how: (server) => server.on('GET /fhir/.well-known/smart-configuration', reply(404)),
    step: 'token',
    says: /failed: .* does not say where tokens are given → .*auth\.tokenUrl/,
  },
  {
    name: 'a token endpoint over plain http elsewhere',
    how: (server) =>
      server.on(
        'GET /fhir/.well-known/smart-configuration',
        reply(200, {}, { token_endpoint: 'http://auth.example.org/token' }),
      ),
    step: 'token',
    says: /failed: http:\/\/auth\.example\.org\/token is not https → .*allowHttp/,
  },
  {
    name: 'a level that it does not list',
    how: (server) =>
      server.on(
        'GET /fhir/metadata',
        reply(200, date, {
          ...STATEMENT,
          rest: [{ operation: [{ name: 'export' }], resource: [{ type: 'Patient' }] }],
        }),
      ),
    step: 'discovery',
    says: /warning: the server lists exports at level system, not at level group → it may work all the same/,
  },
  {
    name: 'a key that is not registered',
    how: (server) => server.on('POST /token', oauth('invalid_client')),
    step: 'token',
    says: /failed: .*invalid_client.* → the server does not know the client, its key .*public key.*registered/,
  },
  {
    name: 'a wrong secret',
    how: (server) => server.on('POST /token', reply(401, {}, { error: 'invalid_client' })),
    asked: { auth: SECRET },
    step: 'token',
    says: /failed: .*invalid_client.* → .*check the secret/,
  },
  {
    name: 'a secret that has expired',
    how: (server) => server.on('POST /token', oauth('invalid_client', 'The client secret has expired')),
    asked: { auth: SECRET },
    step: 'token',
    says: /failed: .* → the secret, key or registration has expired: make a new one/,
  },
  {
    name: 'a scope that is not given',
    how: (server) => server.on('POST /token', oauth('invalid_scope')),
    step: 'token',
    says: /failed: .*invalid_scope → set auth\.scope .* system\/\*\.read was asked for/,
  },
  {
    name: 'a token URL that is none',
    how: (server) => server.on('POST /token', reply(404)),
    step: 'token',
    says: /failed: .*404.* → that is no token endpoint/,
  },
  {
    name: 'a token endpoint that is a web page',
    how: (server) => server.on('POST /token', reply(200, HTML, '<html>')),
    step: 'token',
    says: /failed: .* → that is no token endpoint/,
  },
  {
    name: 'a token that the server itself does not take, or never sees',
    how: (server) => server.on('GET /fhir/Patient', reply(401)),
    step: 'access',
    says: /warning: the server refuses the token it gave \(401\) → .*a proxy .*Authorization/,
  },
  {
    name: 'a client without permissions',
    how: (server) => server.on('GET /fhir/Patient', reply(403, {}, outcome('forbidden', 'no'))),
    step: 'access',
    says: /warning: the client may not search patients \(403\) → exports may be allowed all the same/,
  },
  {
    name: 'a server that wants a token from a source without one',
    how: () => undefined,
    asked: { auth: { kind: 'none' } },
    step: 'access',
    says: /failed: the server wants a token \(401\) → set auth/,
  },
  {
    name: 'a fixed token that has expired',
    how: () => undefined,
    asked: { auth: { kind: 'bearer', token: 'old' } },
    step: 'access',
    says: /failed: the server refuses the token \(401\) → get a new token/,
  },
  {
    name: 'a Group that is not there',
    how: (server) => server.on('GET /fhir/Group/g1', reply(404)),
    step: 'group',
    says: /failed: there is no Group\/g1 \(404\) → check 'group'/,
  },
  {
    name: 'a Group that may not be read',
    how: (server) => server.on('GET /fhir/Group/g1', reply(403)),
    step: 'group',
    says: /warning: Group\/g1 can not be read \(403\) → some servers export Groups they let nobody read/,
  },
  {
    name: 'a proxy that strips the Date',
    how: (server) =>
      server.on('GET /fhir/metadata', (_, response) => {
        response.sendDate = false
        response.writeHead(200, { 'Content-Type': 'application/json' })
        response.end(JSON.stringify(STATEMENT))
      }),
    step: 'clock',
    says: /warning: answers carry no Date header → a proxy between may strip headers/,
  },
  {
    name: 'a proxy that strips Content-Location',
    how: (server) => server.on('GET /fhir/Group/g1/$export', reply(202)),
    asked: { tryExport: true },
    step: 'export',
    says: /failed: .* did not say where its status is → .*proxy/,
  },
  {
    name: 'a base that has no export',
    how: (server) => server.on('GET /fhir/Group/g1/$export', reply(404)),
    asked: { tryExport: true },
    step: 'export',
    says: /failed: .* → check baseUrl .* then level and group/,
  },
  {
    name: 'an export that is refused',
    how: (server) => server.on('GET /fhir/Group/g1/$export', reply(400, {}, outcome('not-supported', 'no _type here'))),
    asked: { tryExport: true },
    step: 'export',
    says: /failed: .*no _type here → check level, group and types/,
  },
  {
    name: 'an export that can not be deleted',
    how: (server) => server.on('DELETE /status/1', reply(500)),
    asked: { tryExport: true },
    step: 'export',
    says: /ok: .*\nwarning: it could not be deleted.* → it expires by itself/,
  },
]

describe('a server that is wrong', () => {
  test.each(WRONG)('by $name is told, with the way out', async ({ how, asked, step, says }) => {
    const server = await wellServer()
    how(server)
    const lines = await checked(server, asked)
    expect(lineOf(lines, step)).toMatch(says)
    // It walks on: what would be asked for is said in any case.
    expect(lineOf(lines, 'kick-off')).toMatch(/^ok: a run would ask for/)
  })

  test('by a port on which nobody listens', async () => {
    const lines = await checked(new URL(`http://127.0.0.1:${await deadPort()}/fhir/`))
    expect(lineOf(lines, 'server')).toMatch(/failed: .* refuses the connection → nobody listens there: check the port/)
    expect(lineOf(lines, 'token')).toMatch(/^skipped/)
    expect(brief(lines)).not.toContain('access ok')
  })

  test('by https on a port without it', async () => {
    const { port } = await wellServer()
    const lines = await checked(new URL(`https://127.0.0.1:${port}/fhir/`))
    expect(lineOf(lines, 'server')).toMatch(/failed: .* → there is no TLS on that port: check https against http/)
  })

  test('by plain http to another machine, to which nothing is sent', async () => {
    const lines = await checked(new URL('http://fhir.example.org/r4/'))
    expect(lineOf(lines, 'server')).toMatch(/failed: .* is not https → .*allowHttp/)
  })
})

describe('a clock that differs', () => {
  const aheadMs = 10 * 60_000
  const behind = { Date: new Date(NOW.getTime() + aheadMs).toUTCString() }

  test('is a warning as long as the server gives tokens, and the failure where it does not', async () => {
    const server = await wellServer()
    server.on('GET /fhir/metadata', reply(200, behind, STATEMENT))
    expect(lineOf(await checked(server), 'clock')).toMatch(
      /warning: this machine's clock is 10 minutes behind .* → .*NTP/,
    )
    server.on('POST /token', oauth('invalid_grant'))
    expect(lineOf(await checked(server), 'clock')).toMatch(/failed: this machine's clock is 10 minutes behind/)
  })
})

test('a key that can not sign fails by itself, and no token is asked for', async () => {
  const server = await wellServer()
  const lines = await checked(server, { auth: { ...SIGNED, algorithm: 'RS384' } })
  expect(lineOf(lines, 'key')).toMatch(/failed: .* can not sign with RS384 → check auth\.algorithm/)
  expect(brief(lines)).toContain('token skipped')
  expect(server.askedOf('POST /token')).toEqual([])
})

test('what the profile leaves out of the request is said', async () => {
  const server = await wellServer()
  const kickOff = { ...STANDARD_PROFILE.kickOff, reads: ['_type'] as const }
  const request = { ...REQUEST, elements: ['id'] }
  const lines = await checked(server, { request }, { profile: { ...STANDARD_PROFILE, kickOff } })
  expect(lineOf(lines, 'kick-off')).toMatch(/warning: .*leaving out _elements → name another profile/)
})

test.each([
  ['ENOTFOUND', /spelling of the host/],
  ['CERT_HAS_EXPIRED', /out of date/],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', /NODE_EXTRA_CA_CERTS/],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /NODE_EXTRA_CA_CERTS/],
  ['ERR_TLS_CERT_ALTNAME_INVALID', /another host/],
  ['ERR_SSL_WRONG_VERSION_NUMBER', /https against http/],
  ['UND_ERR_CONNECT_TIMEOUT', /firewall/],
])('a connection that failed by %s has a way out of its own', (cause, wayOut) => {
  expect(wayOutOf(new StokerError('BULK_UNREACHABLE', 'x', { hint: 'h', facts: { cause } }))).toMatch(wayOut)
})

import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secrets } from '../../src/bulk/http/secrets.ts'
import type { BulkAuth } from '../../src/bulk/auth/tokens.ts'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { clientFor, failureOf, tokensOf, type ClientFixture } from './client-fixture.ts'
import {
  cutOff,
  deadPort,
  MANIFEST,
  outcome,
  reply,
  startOddityServer,
  type Answer,
  type OddityServer,
} from './oddity-server.ts'

const SIGNATURE = 'sig=AbCdEf0123'
const SECRETS = [/AbCdEf0123/, /token-\d/, /a-client-secret/, /eyJ/, /PRIVATE/]

/** A server that says again whatever it was told. */
const echo =
  (status: number): Answer =>
  (asked, response) => {
    const { authorization = '' } = asked.headers
    const form = [...new URLSearchParams(asked.body).values()]
    const url = `${asked.path}${asked.query}`
    const diagnostics = `not ${authorization} nor ${form.join(' ')} at ${url} or HTTP://host${url} or x?${SIGNATURE}`
    reply(
      status,
      {},
      {
        resourceType: 'OperationOutcome',
        issue: [{ severity: 'error', code: `invalid ${authorization}`, diagnostics }],
      },
    )(asked, response)
  }
const echoToken: Answer = (asked, response) => {
  const form = [...new URLSearchParams(asked.body).values()]
  reply(
    400,
    {},
    { error: 'invalid_client', error_description: `${asked.headers.authorization} ${form.join(' ')}` },
  )(asked, response)
}

const FILE = `/file?${SIGNATURE}`
const FAILURES: [
  what: string,
  script: (server: OddityServer) => void,
  ask: (fixture: ClientFixture, server: OddityServer) => Promise<unknown>,
][] = [
  ['a kick-off that is refused', (server) => server.on('GET /fhir/$export', echo(400)), ({ kickOff }) => kickOff()],
  ['a kick-off without status URL', (server) => server.on('GET /fhir/$export', reply(202)), ({ kickOff }) => kickOff()],
  ['a token that is refused', (server) => server.on('GET /fhir/$export', echo(401)), ({ kickOff }) => kickOff()],
  ['a token request that is refused', (server) => server.on('POST /token', echoToken), ({ kickOff }) => kickOff()],
  [
    'a status that is busy',
    (server) => server.on('GET /status', echo(503)),
    ({ wait }) => wait(`/status?${SIGNATURE}`),
  ],
  [
    'a status that is gone',
    (server) => server.on('GET /status', echo(404)),
    ({ wait }) => wait(`/status?${SIGNATURE}`),
  ],
  [
    'a manifest that is odd',
    (server) => server.on('GET /status', reply(200, {}, { ...MANIFEST, output: [{ url: `http://[?${SIGNATURE}` }] })),
    ({ wait }) => wait(`/status?${SIGNATURE}`),
  ],
  ['a file that is lost', (server) => server.on('GET /file', echo(404)), ({ download }) => download(FILE)],
  [
    'a file that is a web page',
    (server) => server.on('GET /file', reply(200, { 'Content-Type': 'text/html' }, SIGNATURE)),
    ({ download }) => download(FILE),
  ],
  [
    'a file that breaks off',
    (server) => server.on('GET /file', cutOff({ 'Content-Length': 99 }, SIGNATURE)),
    ({ download }) => download(FILE),
  ],
  [
    'a redirect without end',
    (server) => server.on('GET /file', reply(302, { Location: FILE })),
    ({ download }) => download(FILE),
  ],
  [
    'a redirect to what is no URL',
    (server) => server.on('GET /file', reply(302, { Location: `http://[?${SIGNATURE}` })),
    ({ download }) => download(FILE),
  ],
  [
    'a redirect to plain http',
    (server) => server.on('GET /file', reply(302, { Location: `http://0.0.0.0/?${SIGNATURE}` })),
    ({ download }) => download(FILE),
  ],
  [
    'a file on a machine that is down',
    () => undefined,
    async ({ download }) => download(`http://127.0.0.1:${await deadPort()}${FILE}`),
  ],
]

async function leaks(auth: (server: OddityServer) => Promise<BulkAuth>, [, script, ask]: (typeof FAILURES)[number]) {
  const server = await startOddityServer()
  const fixture = clientFor(server.baseUrl, { auth: await auth(server), limits: { attemptsMax: 2 } })
  script(server)
  const error = await failureOf(ask(fixture, server))
  // With its stack and its causes, to the last field.
  const said = [inspect(error, { depth: 9 }), ...fixture.logged].join('\n')
  return SECRETS.filter((secret) => secret.test(said)).map((secret) => `${secret} in ${said}`)
}

test.each(FAILURES)('%s tells no secret, with a client secret', async (...failure) => {
  expect(await leaks(async (server) => tokensOf(server), failure)).toEqual([])
  expect(await leaks(async (server) => ({ ...tokensOf(server), method: 'basic' }) as BulkAuth, failure)).toEqual([])
})

test('a token request that is refused tells nothing of the assertion or the key', async () => {
  const { clientId, privateJwk } = await demoKeyPair()
  const auth = async (server: OddityServer): Promise<BulkAuth> => ({
    kind: 'private-key-jwt',
    clientId,
    keyText: JSON.stringify(privateJwk),
    tokenUrl: new URL('/token', server.origin),
  })
  expect(await leaks(auth, FAILURES[3]!)).toEqual([])
})

test.each<[string, Answer]>([
  ['refuses it', reply(422, {}, outcome('invalid', 'token-1, token-2 and a-client-secret'))],
  [
    'gives an OperationOutcome in its place',
    reply(200, {}, outcome('invalid', 'token-1, token-2 and a-client-secret')),
  ],
])('a token that is no longer in use, and the secret, are not quoted of a server that %s', async (_, answer) => {
  const server = await startOddityServer()
  const { kickOff, download, clock } = clientFor(server.baseUrl, { auth: tokensOf(server) })
  await failureOf(kickOff())
  clock.pass(300_000)
  server.on('GET /file', answer)
  const error = await failureOf(download())
  expect(error.message).toContain('invalid: [secret], [secret] and [secret]')
})

test('of secrets that are parts of others nothing is left, and those in use are not forgotten', () => {
  const secrets = new Secrets()
  for (let index = 0; index < 500; index += 1) secrets.keep(['abc', 'abc-secret', undefined, '', `token<${index}>`])
  expect(secrets.hide('abc-secret abc token<499> token<480>', '*')).toBe('* * * *')
})

test('a key that can not be read is not quoted', async () => {
  const server = await startOddityServer()
  const keyText = '-----BEGIN PRIVATE KEY-----\nAbCdEf0123\n-----END PRIVATE KEY-----'
  const { kickOff } = clientFor(server.baseUrl, {
    auth: { kind: 'private-key-jwt', clientId: 'stoker', keyText, tokenUrl: new URL('/token', server.origin) },
  })
  expect(inspect(await failureOf(kickOff()), { depth: 9 })).not.toMatch(/AbCdEf0123/)
})

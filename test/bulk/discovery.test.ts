import { expect, test } from 'vitest'
import type { BulkAuth } from '../../src/bulk/auth/tokens.ts'
import { clientFor, failureOf, tokensOf } from './client-fixture.ts'
import { cutOff, only, reply, startOddityServer, type Answer, type OddityServer } from './oddity-server.ts'

const SMART = 'GET /fhir/.well-known/smart-configuration'
const METADATA = 'GET /fhir/metadata'

async function discovering(script: (server: OddityServer, tokenUrl: string) => void) {
  const server = await startOddityServer()
  const { tokenUrl, ...auth } = tokensOf(server) as Extract<BulkAuth, { kind: 'client-secret' }>
  server.on('GET /fhir/$export', only('token-1', reply(202, { 'Content-Location': '/status' })))
  script(server, tokenUrl!.href)
  return { server, ...clientFor(server.baseUrl, { auth }) }
}

const statement = (tokenUrl: string): object => ({
  resourceType: 'CapabilityStatement',
  rest: [
    { mode: 'client' },
    {
      mode: 'server',
      security: {
        extension: [
          { url: 'http://example.org/other' },
          {
            url: 'http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris',
            extension: [
              { url: 'authorize', valueUri: 'http://127.0.0.1/authorize' },
              { url: 'token', valueUri: tokenUrl },
            ],
          },
        ],
      },
    },
  ],
})

test('discovery keeps the path of the base', async () => {
  const { server, kickOff } = await discovering((each, tokenUrl) =>
    each.on(SMART, reply(200, {}, { token_endpoint: tokenUrl })),
  )
  await kickOff()
  expect(server.asked[0]!.path).toBe('/fhir/.well-known/smart-configuration')
  expect(server.askedOf(METADATA)).toEqual([])
})

test('a relative token endpoint is taken from the base', async () => {
  const { server, kickOff } = await discovering((each) =>
    each.on(SMART, reply(200, {}, { token_endpoint: '../token' })),
  )
  await kickOff()
  expect(server.askedOf('POST /token').length).toBe(1)
})

test.each<[string, Answer]>([
  ['is absent', reply(404)],
  ['wants a token itself', reply(401)],
  ['is forbidden', reply(403)],
  ['is a web page', reply(200, { 'Content-Type': 'text/html' }, '<html>')],
  ['names no token endpoint', reply(200, {}, { capabilities: [] })],
  ['names something else', reply(200, {}, { token_endpoint: 7 })],
  ['is null', reply(200, {}, 'null')],
])('the oauth-uris of the CapabilityStatement are used where smart-configuration %s', async (_, answer) => {
  const { server, kickOff } = await discovering((each, tokenUrl) => {
    each.on(SMART, answer).on(METADATA, reply(200, {}, statement(tokenUrl)))
  })
  await kickOff()
  expect(server.askedOf('POST /token').length).toBe(1)
  expect(server.askedOf(METADATA)[0]!.headers.accept).toContain('application/fhir+json')
})

test('a smart-configuration that breaks off is asked for again', async () => {
  const { server, kickOff } = await discovering((each, tokenUrl) => {
    const whole = JSON.stringify({ token_endpoint: tokenUrl })
    each.on(SMART, cutOff({ 'Content-Length': whole.length }, whole.slice(0, 9)), reply(200, {}, whole))
  })
  await kickOff()
  expect(server.askedOf(SMART).length).toBe(2)
})

test.each([
  ['nothing', reply(404)],
  ['no security', reply(200, {}, { resourceType: 'CapabilityStatement', rest: [{ mode: 'server' }] })],
  ['odd shapes', reply(200, {}, { rest: [null, { security: { extension: [null, { url: 'x', extension: 7 }] } }] })],
  ['a rest that is no list', reply(200, {}, { rest: { security: {} } })],
])('a server whose metadata holds %s is BULK_NO_TOKEN_URL', async (_, answer) => {
  const { kickOff } = await discovering((each) => each.on(METADATA, answer))
  expect(await failureOf(kickOff())).toMatchObject({ code: 'BULK_NO_TOKEN_URL', retryable: false })
})

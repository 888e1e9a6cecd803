/** Field notes on further servers, of which one or two things are known, each as a test. */
import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { STANDARD_PROFILE } from '../../src/bulk/server/profile.ts'
import { clientFor, failureOf, tokensOf, waitFor } from './client-fixture.ts'
import { fieldServer, shippedProfile } from './field-fixture.ts'
import { fileServed } from './file-fixture.ts'
import { MANIFEST, outcome, reply, startOddityServer } from './oddity-server.ts'

const never = new AbortController().signal
const GROUP = { level: { kind: 'group', id: 'everyone' }, types: ['Patient'] } as const
const LINE = '{"resourceType":"Patient","id":"a"}\n'

describe('Azure', () => {
  test('Azure: a job that stays 202 for ever is given up at its deadline, and can be deleted then', async () => {
    const { client, server, clock } = await fieldServer('azure', { neverDone: true })
    const { statusUrl } = await client.kickOff(GROUP, never)
    const deadline = new Date(clock.now().getTime() + 600_000)
    const waiting = waitFor(client, statusUrl, { deadline, onProgress: () => undefined, signal: never })
    expect((await failureOf(waiting)).code).toBe('BULK_DEADLINE')
    await client.release(statusUrl, never)
    expect(server.requests.cancels).toBe(1)
  })

  test('Azure: blobs with a signature of their own are fetched without the token', async () => {
    const { client, wait, server } = await fieldServer('azure', { pollsBeforeDone: 0 })
    const manifest = await wait((await client.kickOff(GROUP, never)).statusUrl)
    const lines = await client.fetchFile(manifest.output[0]!, manifest, (body) => buffer(body), never)
    expect(lines.toString().split('\n').length).toBeGreaterThan(3)
    expect(new URL(manifest.output[0]!.url).origin).toBe(server.storageUrl)
    expect(server.requests.authorizationAtStorage).toBe(0)
  })
})

test('Google: a Group is asked for organised by patient, and its files have no type', async () => {
  const { client, wait, server } = await fieldServer('google', { pollsBeforeDone: 0 })
  const manifest = await wait((await client.kickOff(GROUP, never)).statusUrl)
  expect(server.requests.kickOffLines[0]).toContain('organizeOutputBy=Patient')
  expect([manifest.organizedBy, manifest.output[0]!.type]).toEqual(['Patient', undefined])
})

test('LinuxForHealth and torch: relative addresses everywhere, no error, and a true token flag on public storage', async () => {
  const [server, storage] = [await startOddityServer(), await startOddityServer()]
  server.on('GET /fhir/$export', reply(202, { 'Content-Location': '$bulkdata-status?job=1' }))
  const { error: _, deleted: __, ...rest } = MANIFEST
  const output = [
    { type: 'Patient', url: 'files/1.ndjson' },
    { type: 'Patient', url: `${storage.origin}/bucket/2.ndjson` },
  ]
  server.on('GET /fhir/$bulkdata-status', reply(200, {}, { ...rest, requiresAccessToken: true, output }))
  server.on('GET /fhir/files/1.ndjson', reply(200, {}, LINE))
  storage.on('GET /bucket/2.ndjson', reply(200, {}, LINE))
  const { client, wait, kickOff } = clientFor(server.baseUrl, { auth: tokensOf(server) })
  const manifest = await wait((await kickOff()).statusUrl)
  expect(manifest.error).toEqual([])
  for (const file of manifest.output) {
    expect((await client.fetchFile(file, manifest, (body) => buffer(body), never)).toString()).toBe(LINE)
  }
  expect(server.askedOf('GET /fhir/files/1.ndjson')[0]!.headers.authorization).toBe('Bearer token-1')
  expect(storage.asked[0]!.headers).not.toHaveProperty('authorization')
})

test('BCDA: the token is had by client id and secret in the header, without a scope', async () => {
  const credentials = { clientId: 'a-client', clientSecret: 'a-secret' }
  const auth = { kind: 'client-secret', clientId: 'a-client', secret: 'a-secret', method: 'basic' } as const
  const { client, server, profile } = await fieldServer('bcda', {}, { auth }, credentials)
  await client.kickOff(GROUP, never)
  expect([server.requests.tokens, profile.scope]).toEqual([1, undefined])
})

describe('athenahealth and eClinicalWorks', () => {
  test('athenahealth: a 429 without Retry-After is tried again, ever more rarely, at every step', async () => {
    const server = await startOddityServer()
    const busy = Array.from({ length: 5 }, () => reply(429))
    server.on('GET /fhir/$export', ...busy, reply(202, { 'Content-Location': '/status' }))
    server.on('GET /status', ...busy, reply(200, {}, MANIFEST))
    server.on('GET /file', ...busy, reply(200, {}, LINE))
    const { kickOff, wait, download, clock } = clientFor(server.baseUrl, { random: () => 1 })
    for (const step of [kickOff, () => wait(), () => download()]) {
      const before = clock.sleeps.length
      await step()
      const sleeps = clock.sleeps.slice(before)
      expect(sleeps.length).toBe(5)
      expect(sleeps.every((ms, n) => n === 0 || ms >= sleeps[n - 1]!)).toBe(true)
      expect(sleeps.at(-1)! / sleeps[0]!).toBeGreaterThanOrEqual(8)
    }
  })

  test('athenahealth: 250 calls a minute are kept to by many downloads at once', async () => {
    const server = await startOddityServer()
    server.on('GET /file', reply(200, {}, LINE))
    const { download, clock } = clientFor(server.baseUrl, { profile: { ...STANDARD_PROFILE, callsPerMinute: 250 } })
    const began = clock.now().getTime()
    await Promise.all(Array.from({ length: 300 }, () => download(undefined, false)))
    expect(clock.now().getTime() - began).toBe(60_000)
  })
})

test('A server that refuses _since says so in its own words, with a way out', async () => {
  const server = await startOddityServer()
  server.on('GET /fhir/$export', reply(400, {}, outcome('not-supported', 'The parameter _since is not supported.')))
  const request = { level: { kind: 'system' }, types: ['Patient'], since: '2026-01-01T00:00:00Z' } as const
  const error = await failureOf(clientFor(server.baseUrl).client.kickOff(request, never))
  expect(error.message).toContain('not-supported: The parameter _since is not supported.')
  expect(error.hint).toContain('kickOff.reads')
})

test.each([
  'application/json',
  'application/octet-stream',
  'text/plain',
  'application/ndjson',
  'application/fhir+ndjson',
])('A file that calls itself %s is read by what is in it', async (type) => {
  const { fetched, forms } = await fileServed(reply(200, { 'Content-Type': type }, LINE + LINE))
  expect([await fetched(), forms]).toEqual([LINE + LINE, []])
})

test('A server of STU4: kick-off by POST, values one by one, no request, deleted without type, outcome by severity', async () => {
  const server = await startOddityServer()
  server.on('POST /fhir/$export', reply(202, { 'Content-Location': '/status' }))
  const outcomes = [{ url: '/o', count: 2, countSeverity: [{ code: 'error', count: 2 }] }]
  const { error: _, request: __, ...rest } = MANIFEST
  server.on('GET /status', reply(200, {}, { ...rest, deleted: [{ url: '/d', count: 1 }], outcome: outcomes }))
  const { client, wait } = clientFor(server.baseUrl, { profile: await shippedProfile('stu4') })
  await client.kickOff({ level: { kind: 'system' }, types: ['Patient', 'Condition'] }, never)
  expect((JSON.parse(server.asked[0]!.body) as { parameter: object[] }).parameter).toEqual([
    { name: '_type', valueString: 'Patient' },
    { name: '_type', valueString: 'Condition' },
  ])
  expect(await wait()).toMatchObject({ deleted: [{ type: undefined }], error: [{ severities: { error: 2 } }] })
})

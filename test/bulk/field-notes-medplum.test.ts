/** Field notes on Medplum 5.0, each as a test. */
import { expect, test } from 'vitest'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { clientFor, failureOf, tokensOf, waitFor } from './client-fixture.ts'
import { fieldServer } from './field-fixture.ts'
import { reply, startOddityServer } from './oddity-server.ts'

const never = new AbortController().signal
const SYSTEM = { level: { kind: 'system' }, types: ['Patient'] } as const

test('Medplum: a manifest without count and Expires, with a request that is no URL, is read, and its files get no token', async () => {
  const server = await startOddityServer()
  const url = `${server.origin}/file?Expires=1&Signature=s`
  server.on('GET /file', reply(200, {}, '{"meta":{},"resourceType":"Patient","id":"a"}\n'))
  server.on(
    'GET /status',
    reply(
      200,
      {},
      {
        transactionTime: '2026-11-21T09:59:00.000Z',
        request: `${server.origin}/fhir/https:/$export?undefined`,
        requiresAccessToken: false,
        output: [{ type: 'Patient', url }],
        deleted: [],
        error: [],
      },
    ),
  )
  const { wait, download } = clientFor(server.baseUrl, { auth: tokensOf(server) })
  const manifest = await wait()
  expect(manifest).toMatchObject({
    expires: undefined,
    requiresAccessToken: false,
    output: [{ url, count: undefined }],
  })
  expect((await download(url, manifest.requiresAccessToken)).toString()).toContain('"id":"a"')
  expect(server.askedOf('GET /file')[0]!.headers).not.toHaveProperty('authorization')
})

test('Medplum: a _since that is no instant is 202 for ever: the export is given up at its deadline, and can be deleted then', async () => {
  const { client, server, clock } = await fieldServer('medplum')
  const { statusUrl } = await client.kickOff({ ...SYSTEM, since: 'yesterday' }, never)
  const deadline = new Date(clock.now().getTime() + 1_800_000)
  const waiting = waitFor(client, statusUrl, { deadline, onProgress: () => undefined, signal: never })
  expect((await failureOf(waiting)).code).toBe('BULK_DEADLINE')
  await client.release(statusUrl, never)
  expect(server.requests.cancels).toBe(1)
})

test('Medplum: polls without Retry-After, X-Progress and body grow rarer', async () => {
  const { client, clock, wait, server } = await fieldServer('medplum', { pollsBeforeDone: 40 })
  const { statusUrl } = await client.kickOff(SYSTEM, never)
  await wait(statusUrl)
  expect(Math.min(...clock.sleeps)).toBeGreaterThanOrEqual(1000)
  expect(Math.max(...clock.sleeps)).toBeGreaterThan(20_000)
  expect(server.requests.polls).toBe(41)
})

test('Medplum: a token that was asked for with a scope gets 403, and the way out names the scope', async () => {
  const keys = await demoKeyPair()
  const keyText = JSON.stringify(keys.privateJwk)
  const auth = { kind: 'private-key-jwt', clientId: keys.clientId, keyText, scope: 'system/*.rs' } as const
  const { kickOff, server } = await fieldServer('medplum', {}, { auth }, keys)
  const error = await failureOf(kickOff())
  expect(error).toMatchObject({ code: 'BULK_REFUSED', facts: { status: 403 } })
  expect(error.hint).toContain('scope')
  await clientFor(new URL(`${server.baseUrl}/`), { auth: { ...auth, scope: undefined } }).kickOff()
})

test('Medplum: a POST on a Group is 404, and its profile sends none', async () => {
  const { client, server, profile } = await fieldServer('medplum')
  const group = { level: { kind: 'group', id: 'everyone' }, types: ['Patient'] } as const
  const posting = { ...profile, kickOff: { ...profile.kickOff, method: 'POST' } } as const
  const other = clientFor(new URL(`${server.baseUrl}/`), { profile: posting })
  expect((await failureOf(other.client.kickOff(group, never))).facts.status).toBe(404)
  await client.kickOff(group, never)
})

test('Medplum: each look at the manifest signs the addresses anew, and a file keeps its place', async () => {
  const { client, wait, clock } = await fieldServer('medplum', { pollsBeforeDone: 0 })
  const { statusUrl } = await client.kickOff({ ...SYSTEM, types: ['Patient', 'Condition'] }, never)
  const first = await wait(statusUrl)
  clock.pass(3_600_001)
  expect((await failureOf(client.fetchFile(first.output[0]!, first, async () => 0, never))).code).toBe(
    'BULK_FILE_EXPIRED',
  )
  const second = await client.readManifest(statusUrl, never)
  const places = ({ output }: typeof first) => output.map(({ ordinal, type }) => [ordinal, type])
  expect(places(second)).toEqual(places(first))
  expect(second.output[0]!.url).not.toBe(first.output[0]!.url)
  expect(await client.fetchFile(second.output[0]!, second, async () => 'had', never)).toBe('had')
})

/** Field notes on the reference server (smart-on-fhir/bulk-data-server 2.1), each as a test. */
import { expect, test } from 'vitest'
import { STANDARD_PROFILE } from '../../src/bulk/server/profile.ts'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { clientFor, failureOf, waitFor } from './client-fixture.ts'
import { fieldServer } from './field-fixture.ts'

const never = new AbortController().signal
const SYSTEM = { level: { kind: 'system' }, types: ['Patient'] } as const

test('Reference server: a client id that is a JWT of a thousand characters signs in, and no failure quotes it', async () => {
  const clientId = `eyJhbGciOiJIUzI1NiJ9.${'eyJqd2tzIjp7ImtleXMiOl'.repeat(45)}.c2lnbmF0dXJl`
  const keys = { ...(await demoKeyPair()), clientId }
  const auth = { kind: 'private-key-jwt', clientId, keyText: JSON.stringify(keys.privateJwk) } as const
  const { kickOff, server, logged } = await fieldServer('reference', {}, { auth }, keys)
  await kickOff()
  expect(server.requests.tokens).toBe(1)
  const other = await demoKeyPair()
  const stranger = { ...auth, keyText: JSON.stringify(other.privateJwk) }
  const error = await failureOf(clientFor(new URL(`${server.baseUrl}/`), { auth: stranger }).kickOff())
  expect(`${error.message} ${error.hint} ${JSON.stringify(error.facts)} ${logged.join()}`).not.toContain('c2lnbmF0dXJl')
})

test('Reference server: tokens of six seconds, for assertions that lived no longer, carry a job that takes minutes', async () => {
  const keys = await demoKeyPair('ES384')
  const auth = { kind: 'private-key-jwt', clientId: keys.clientId, keyText: JSON.stringify(keys.privateJwk) } as const
  const behaviour = { tokenLifeSeconds: 6, pollsBeforeDone: 12, retryAfterSeconds: 5 }
  const { client, server, wait, statuses } = await fieldServer('reference', behaviour, { auth }, keys)
  const { statusUrl } = await client.kickOff(SYSTEM, never)
  expect((await wait(statusUrl)).output.length).toBeGreaterThan(0)
  expect(server.requests.tokens).toBeGreaterThan(10)
  expect(statuses).not.toContain(401)
})

test('Reference server: it insists on exactly its Accept and on Prefer, which are sent', async () => {
  const { kickOff, server } = await fieldServer('reference')
  await kickOff()
  const accept = { 'kick-off': { accept: 'application/fhir+json, application/json' } }
  const other = clientFor(new URL(`${server.baseUrl}/`), { profile: { ...STANDARD_PROFILE, headers: accept } })
  expect(await failureOf(other.kickOff())).toMatchObject({ code: 'BULK_REFUSED', facts: { status: 400 } })
})

test('Reference server: polls whose body is now JSON, now nothing, are waited for, and the progress is told', async () => {
  const { client, clock, statuses } = await fieldServer('reference', { pollsBeforeDone: 5, partialPageFiles: 0 })
  const { statusUrl } = await client.kickOff(SYSTEM, never)
  const told: (number | undefined)[] = []
  const before = clock.now().getTime()
  await waitFor(client, statusUrl, {
    deadline: new Date(before + 3_600_000),
    onProgress: ({ percentDone }) => told.push(percentDone),
    signal: never,
  })
  expect([told.length, told.every((percent) => percent !== undefined)]).toEqual([5, true])
  expect(statuses).toEqual([202, 202, 202, 202, 202, 202, 200])
  expect(clock.now().getTime() - before).toBe(5000)
})

test('Reference server: two jobs polled every second trip its limit, in epoch milliseconds and seconds, and both end well', async () => {
  const { client, server, wait, statuses } = await fieldServer(
    'reference',
    { callsPerMinute: 60, pollsBeforeDone: 80 },
    { profile: STANDARD_PROFILE },
  )
  const jobs = [await client.kickOff(SYSTEM, never), await client.kickOff({ ...SYSTEM, types: ['Encounter'] }, never)]
  const manifests = await Promise.all(jobs.map(({ statusUrl }) => wait(statusUrl)))
  expect(manifests.map(({ output }) => output[0]!.type)).toEqual(['Patient', 'Encounter'])
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(1)
  expect(server.requests.polls).toBe(2 * 81)
})

test('Reference server: with the budget of its profile two jobs never trip the limit', async () => {
  const { client, wait, statuses, clock } = await fieldServer('reference', { callsPerMinute: 60, pollsBeforeDone: 80 })
  const began = clock.now().getTime()
  const jobs = [await client.kickOff(SYSTEM, never), await client.kickOff({ ...SYSTEM, types: ['Encounter'] }, never)]
  await Promise.all(jobs.map(({ statusUrl }) => wait(statusUrl)))
  expect(statuses).not.toContain(429)
  expect(clock.now().getTime() - began).toBeGreaterThan(3 * 60_000)
})

test('Reference server: a bad token is 401 with a web page and no WWW-Authenticate, and said without the page', async () => {
  const auth = { kind: 'bearer', token: 'out-of-date' } as const
  const { kickOff } = await fieldServer('reference', {}, { auth }, await demoKeyPair())
  const error = await failureOf(kickOff())
  expect([error.code, error.retryable]).toEqual(['BULK_UNAUTHORIZED', false])
  expect(error.message).not.toMatch(/html|</)
})

test('Reference server: polls that fail in passing, too many files, files that are past', async () => {
  const { client, wait, behave, clock } = await fieldServer('reference', { transientPolls: 4, pollsBeforeDone: 0 })
  const { statusUrl } = await client.kickOff(SYSTEM, never)
  const manifest = await wait(statusUrl)
  expect(manifest.expires!.getTime() - clock.now().getTime()).toBeLessThanOrEqual(3_600_000)
  clock.pass(3_600_001)
  const gone = client.fetchFile(manifest.output[0]!, manifest, async () => 0, never)
  expect(await failureOf(gone)).toMatchObject({ code: 'BULK_FILE_EXPIRED', facts: { status: 410 } })
  behave({ exportFailure: { status: 413, form: 'html' }, transientPolls: 0 })
  const tooMany = await failureOf(wait((await client.kickOff(SYSTEM, never)).statusUrl))
  expect([tooMany.code, tooMany.hint]).toEqual(['BULK_EXPORT_FAILED', expect.stringContaining('fewer types')])
})

test('Reference server: a second deletion of an export is 404, and no error', async () => {
  const { client, statuses } = await fieldServer('reference')
  const { statusUrl } = await client.kickOff(SYSTEM, never)
  await client.release(statusUrl, never)
  await client.release(statusUrl, never)
  expect(statuses).toEqual([202, 202, 404])
})

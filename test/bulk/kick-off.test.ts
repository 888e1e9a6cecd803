import { describe, expect, test } from 'vitest'
import { STANDARD_PROFILE, type ServerProfile } from '../../src/bulk/server/profile.ts'
import { clientFor, failureOf } from './client-fixture.ts'
import { deadPort, outcome, reply, startOddityServer, type Answer } from './oddity-server.ts'

const ROUTE = 'GET /fhir/$export'

async function kickedOff(...answers: Answer[]) {
  const server = await startOddityServer()
  server.on(ROUTE, ...answers)
  return { server, ...clientFor(server.baseUrl) }
}

test('the request carries the headers that servers insist on', async () => {
  const { server, kickOff } = await kickedOff(reply(202, { 'Content-Location': '/status' }))
  await kickOff()
  expect(server.asked[0]!.headers).toMatchObject({
    accept: 'application/fhir+json',
    prefer: 'respond-async',
    'cache-control': 'no-cache',
    'user-agent': 'stoker-test',
  })
})

test.each([
  ['absolute', (origin: string) => `${origin}/jobs/7?token=x`, '/jobs/7?token=x'],
  ['relative to the host', () => '/jobs/7', '/jobs/7'],
  ['relative to the request', () => 'jobs/7', '/fhir/jobs/7'],
])('a Content-Location that is %s becomes an absolute status URL', async (_, location, expected) => {
  const { server, kickOff } = await kickedOff((asked, response) =>
    reply(202, { 'Content-Location': location(server.origin) })(asked, response),
  )
  expect((await kickOff()).statusUrl).toBe(`${server.origin}${expected}`)
})

test.each([
  ['absent', {}],
  ['no URL', { 'Content-Location': 'http://[' }],
])('a Content-Location that is %s is BULK_NO_STATUS_URL', async (_, headers) => {
  const { kickOff } = await kickedOff(reply(202, headers))
  expect(await failureOf(kickOff())).toMatchObject({ code: 'BULK_NO_STATUS_URL', retryable: false })
})

test('an absent or odd Date leaves the clock of the server unknown', async () => {
  const { kickOff } = await kickedOff(reply(202, { 'Content-Location': '/status', Date: 'yesterday' }))
  expect((await kickOff()).serverDate).toBeUndefined()
})

describe('a refusal', () => {
  test('shows the words of the OperationOutcome', async () => {
    const { server, kickOff } = await kickedOff(reply(400, {}, outcome('invalid', 'The _type   Foo\nis not known')))
    const error = await failureOf(kickOff())
    expect(error).toMatchObject({ code: 'BULK_REFUSED', retryable: false, facts: { status: 400, issue: 'invalid' } })
    expect(error.message).toContain('invalid: The _type Foo is not known')
    expect(server.asked.length).toBe(1)
  })

  test('shows details.text where there are no diagnostics, and odd issues do no harm', async () => {
    const issue = [null, 7, { code: 3 }, { code: 'invalid', details: { text: 'no such group' } }]
    const { kickOff } = await kickedOff(reply(400, {}, { resourceType: 'OperationOutcome', issue }))
    expect((await failureOf(kickOff())).message).toContain('no such group')
  })

  test.each([400, 401, 403, 413, 500])('of %i with an HTML body quotes none of it', async (status) => {
    const { kickOff } = await kickedOff(reply(status, { 'Content-Type': 'text/html' }, '<h1>Too large a secret</h1>'))
    const error = await failureOf(kickOff())
    expect(`${error.message}${error.hint}${JSON.stringify(error.facts)}`).not.toMatch(/h1|secret/)
    expect(error.message).toContain(String(status))
  })

  test('with a body of many megabytes is read in part, and harms nobody', async () => {
    const { kickOff } = await kickedOff(reply(400, {}, 'x'.repeat(8_000_000)))
    expect((await failureOf(kickOff())).code).toBe('BULK_REFUSED')
  })

  test('whose words are long is cut short', async () => {
    const { kickOff } = await kickedOff(reply(400, {}, outcome('invalid', 'long '.repeat(1000))))
    expect((await failureOf(kickOff())).message.length).toBeLessThan(300)
  })
})

const never = new AbortController().signal
const GROUP = { kind: 'group', id: 'g1' } as const

async function profiled(kickOff: Partial<ServerProfile['kickOff']>, rest: Partial<ServerProfile> = {}) {
  const server = await startOddityServer()
  const accepted = reply(202, { 'Content-Location': '/status' })
  for (const method of ['GET', 'POST']) {
    for (const level of ['', 'Patient/', 'Group/g1/']) server.on(`${method} /fhir/${level}$export`, accepted)
  }
  const profile = { ...STANDARD_PROFILE, ...rest, kickOff: { ...STANDARD_PROFILE.kickOff, ...kickOff } }
  return { server, ...clientFor(server.baseUrl, { profile }) }
}

describe('a request by POST', () => {
  test('carries a Parameters resource, and no query', async () => {
    const { server, client } = await profiled({ method: 'POST' })
    const kickoff = await client.kickOff({ level: GROUP, types: ['Patient'], since: '2026-01-01T00:00:00Z' }, never)
    const [asked] = server.askedOf('POST /fhir/Group/g1/$export')
    expect(asked).toMatchObject({ query: '', headers: { 'content-type': 'application/fhir+json' } })
    expect(JSON.parse(asked!.body)).toEqual({
      resourceType: 'Parameters',
      parameter: [
        { name: '_type', valueString: 'Patient' },
        { name: '_since', valueInstant: '2026-01-01T00:00:00Z' },
      ],
    })
    expect(kickoff.requestUrl).toBe(`${server.origin}/fhir/Group/g1/$export`)
  })

  test('is made for patients, whatever the method otherwise', async () => {
    const { server, client } = await profiled({ method: 'GET' })
    await client.kickOff({ level: { kind: 'patient' }, types: ['Patient'], patients: ['p1'] }, never)
    expect(server.askedOf('POST /fhir/Patient/$export').length).toBe(1)
  })

  test.each([400, 403, 404, 405, 422, 501])('for patients that is refused (%i) names the way out', async (status) => {
    const { server, client } = await profiled({})
    server.on('POST /fhir/Group/g/$export', reply(status, {}, outcome('not-supported', 'patient?')))
    const asked = { level: { kind: 'group', id: 'g' }, types: ['Patient'], patients: ['p1'] } as const
    const error = await failureOf(client.kickOff(asked, never))
    expect([error.code, error.hint]).toEqual(['BULK_REFUSED', expect.stringContaining('groupChanges.newcomers: group')])
    const other = await failureOf(client.kickOff({ ...asked, patients: [] }, never))
    expect(other.hint).not.toContain('newcomers')
  })

  test('is not made for patients of a server that does not read them, and the answer says so', async () => {
    const { server, client } = await profiled({ reads: ['_type'] })
    const kickoff = await client.kickOff(
      { level: GROUP, types: ['Patient'], patients: ['p1'], elements: ['id'] },
      never,
    )
    expect(server.asked).toMatchObject([{ method: 'GET', query: '?_type=Patient' }])
    expect(kickoff.leftOut).toEqual(['_elements', 'patient'])
  })
})

test('the preferences of the profile are sent beside respond-async, and its headers over the usual ones', async () => {
  const headers = { 'kick-off': { accept: 'application/json', 'x-vendor': 'yes' } }
  const { server, client } = await profiled({ prefer: ['handling=lenient', 'separate-export-status'] }, { headers })
  await client.kickOff({ level: GROUP, types: ['Patient'] }, never)
  expect(server.asked[0]!.headers).toMatchObject({
    prefer: 'respond-async, handling=lenient, separate-export-status',
    accept: 'application/json',
    'x-vendor': 'yes',
  })
})

test('a level the server has not is refused before anything is sent', async () => {
  const { server, client } = await profiled({ levels: ['group'] })
  const error = await failureOf(client.kickOff({ level: { kind: 'system' }, types: ['Patient'] }, never))
  expect(error).toMatchObject({ code: 'BULK_LEVEL', retryable: false })
  expect(server.asked).toEqual([])
})

test('a 429 and a 503 pass: the export is asked for again', async () => {
  const { server, kickOff, clock } = await kickedOff(
    reply(429, { 'Retry-After': '7' }),
    reply(503),
    reply(202, { 'Content-Location': '/status' }),
  )
  await kickOff()
  expect(server.asked.length).toBe(3)
  expect(clock.sleeps[0]).toBe(7000)
})

test('a server that breaks the connection is asked twice: it may have begun an export each time', async () => {
  const { server, kickOff } = await kickedOff((_, response) => void response.destroy())
  expect(await failureOf(kickOff())).toMatchObject({ code: 'BULK_UNREACHABLE', retryable: true })
  expect(server.asked.length).toBe(2)
})

test('a server with which no connection comes about over TLS is tried to the end: it was asked nothing', async () => {
  const { server } = await kickedOff()
  const { kickOff, clock } = clientFor(new URL(`https://127.0.0.1:${server.port}/fhir/`))
  expect(await failureOf(kickOff())).toMatchObject({ code: 'BULK_UNREACHABLE', retryable: true })
  expect([clock.sleeps.length, server.asked.length]).toEqual([6, 0])
})

test('a 400 that says it may pass is tried a few times, whatever time there is', async () => {
  const { server, client, clock } = await kickedOff(reply(400, {}, outcome('incomplete', '_type is incomplete')))
  const deadline = new Date(clock.now().getTime() + 30 * 24 * 3_600_000)
  const asked = client.kickOff({ level: { kind: 'system' }, types: ['Patient'] }, never, deadline)
  expect(await failureOf(asked)).toMatchObject({ code: 'BULK_BUSY', retryable: true })
  expect(server.asked.length).toBe(7)
})

test('a server that refuses the connection is BULK_UNREACHABLE, retryable, after all tries', async () => {
  const port = await deadPort()
  const { kickOff, clock } = clientFor(new URL(`http://127.0.0.1:${port}/fhir/`))
  const error = await failureOf(kickOff())
  expect(error).toMatchObject({ code: 'BULK_UNREACHABLE', retryable: true, facts: { cause: 'ECONNREFUSED' } })
  expect(error.hint).toBeDefined()
  expect(clock.sleeps.length).toBe(6)
})

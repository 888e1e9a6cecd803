/** Field notes on Oracle Health (Cerner), each as a test. */
import { expect, test } from 'vitest'
import { clientFor, failureOf, tokensOf } from './client-fixture.ts'
import { fieldServer, shippedProfile } from './field-fixture.ts'
import { MANIFEST, only, reply, startOddityServer } from './oddity-server.ts'

const never = new AbortController().signal
const GROUP = { level: { kind: 'group', id: 'everyone' }, types: ['Patient', 'Condition'] } as const

test('Oracle: types are joined by commas, and what it refuses (_elements, patient) is left out and said', async () => {
  const { client, server } = await fieldServer('oracle')
  const { leftOut } = await client.kickOff({ ...GROUP, elements: ['id'], patients: ['p1'] }, never)
  expect(leftOut).toEqual(['_elements', 'patient'])
  expect(server.requests.kickOffLines).toEqual(['GET /fhir/Group/everyone/$export?_type=Patient,Condition'])
  const all = ['_type', '_elements', 'patient'] as const
  const { profile } = await fieldServer('oracle')
  const careless = { ...profile, kickOff: { ...profile.kickOff, reads: all } }
  const other = clientFor(new URL(`${server.baseUrl}/`), { profile: careless })
  const error = await failureOf(other.client.kickOff({ ...GROUP, elements: ['id'] }, never))
  expect(error.message).toContain('_elements is not supported')
  expect(profile.kickOff.filtersPerType).toBe(1)
})

test('Oracle: requiresAccessToken "true" is true, and the token does not follow a 307 to storage', async () => {
  const [server, storage] = [await startOddityServer(), await startOddityServer()]
  storage.on('GET /o/1', reply(200, {}, '{"resourceType":"Patient","id":"a"}\n'))
  const location = `${storage.origin}/o/1?signature=s`
  server.on('GET /file/1', only('token-1', reply(307, { Location: location })))
  const output = [{ type: 'Patient', url: `${server.origin}/file/1` }]
  server.on('GET /status', reply(200, {}, { ...MANIFEST, requiresAccessToken: 'true', output }))
  const { client, wait } = clientFor(server.baseUrl, { auth: tokensOf(server) })
  const manifest = await wait()
  expect(manifest.requiresAccessToken).toBe(true)
  await client.fetchFile(manifest.output[0]!, manifest, async () => 0, never)
  expect(storage.asked.map(({ headers, query }) => [headers.authorization, query])).toEqual([
    [undefined, '?signature=s'],
  ])
})

test('Oracle: a Retry-After of five hours is waited for, at kick-off, poll and file', async () => {
  const server = await startOddityServer()
  const later = reply(429, { 'Retry-After': '18000' })
  server.on('GET /fhir/Group/everyone/$export', later, reply(202, { 'Content-Location': '/status' }))
  server.on('GET /status', reply(202, { 'Retry-After': '18000' }), reply(200, {}, MANIFEST))
  server.on('GET /file', later, reply(200))
  const { client, wait, download, clock } = clientFor(server.baseUrl, { profile: await shippedProfile('oracle') })
  const began = clock.now().getTime()
  await client.kickOff(GROUP, never)
  await wait()
  await download()
  expect(clock.now().getTime() - began).toBe(3 * 18_000_000)
  expect(server.asked.length).toBe(6)
})

test('Oracle: of hundreds of tiny files with 429, 502 and 307 among them none is missing, and the same ids come twice', async () => {
  const { client, wait, statuses, server } = await fieldServer('oracle', {
    pollsBeforeDone: 0,
    maxLinesPerFile: 1,
    fileFailures: { status: 429, times: 1 },
    callsPerMinute: 0,
  })
  const { statusUrl } = await client.kickOff({ ...GROUP, types: ['Patient', 'Condition', 'Encounter'] }, never)
  const manifest = await wait(statusUrl)
  const had = await Promise.all(
    manifest.output.map((file) =>
      client.fetchFile(
        file,
        manifest,
        async (body) => {
          let text = ''
          for await (const chunk of body) text += String(chunk)
          return text.trim().split('\n')
        },
        never,
      ),
    ),
  )
  const counts = server.store.counts()
  const total = counts['Patient']! + counts['Condition']! + counts['Encounter']!
  const ids = had.flat().map((line) => (JSON.parse(line) as { id: string }).id)
  expect(new Set(ids).size).toBe(total)
  expect(ids.length).toBeGreaterThan(total)
  expect(statuses.filter((status) => status === 429).length).toBe(manifest.output.length)
})

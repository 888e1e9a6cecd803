/** Field notes on HAPI FHIR, each as a test. */
import { buffer } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { clientFor } from './client-fixture.ts'
import { fieldServer } from './field-fixture.ts'
import { MANIFEST, reply, startOddityServer } from './oddity-server.ts'

const never = new AbortController().signal
const SYSTEM = { level: { kind: 'system' }, types: ['Patient', 'Condition'] } as const

test('HAPI: the same request gets another job each time, not the old one', async () => {
  const { client, server, profile } = await fieldServer('hapi')
  const [first, second] = [await client.kickOff(SYSTEM, never), await client.kickOff(SYSTEM, never)]
  expect(second.statusUrl).not.toBe(first.statusUrl)
  const bare = clientFor(new URL(`${server.baseUrl}/`), { profile: { ...profile, headers: {} } })
  expect((await bare.client.kickOff(SYSTEM, never)).statusUrl).toBe(second.statusUrl)
})

test('HAPI: types are joined by commas, for of a repeated _type the first alone is read', async () => {
  const { client, server, wait } = await fieldServer('hapi', { pollsBeforeDone: 0 })
  const { output } = await wait((await client.kickOff(SYSTEM, never)).statusUrl)
  expect(server.requests.kickOffLines[0]).toContain('?_type=Patient,Condition')
  expect(output.map(({ type }) => type)).toEqual(['Condition', 'Patient'])
})

test('HAPI: a manifest without error, output, request and requiresAccessToken is an export of nothing', async () => {
  const server = await startOddityServer()
  const { transactionTime } = MANIFEST
  server.on('GET /status', reply(200, {}, { transactionTime }))
  expect(await clientFor(server.baseUrl).wait()).toMatchObject({
    transactionTime,
    requiresAccessToken: true,
    output: [],
    deleted: [],
    error: [],
  })
})

test('HAPI: a file is NDJSON for its Accept, a Binary for any other, and a blank first line does no harm', async () => {
  const { client, wait, server, profile } = await fieldServer('hapi', { pollsBeforeDone: 0 })
  const manifest = await wait((await client.kickOff(SYSTEM, never)).statusUrl)
  const read = async (from: typeof client) => {
    const forms: string[] = []
    const hooks = { onForm: (form: string) => void forms.push(form) }
    const bytes = await from.fetchFile(manifest.output[0]!, manifest, (body) => buffer(body), never, hooks)
    return { text: bytes.toString(), forms }
  }
  const plain = await read(client)
  expect([plain.text.startsWith('\n{'), plain.forms]).toEqual([true, []])
  const headers = { ...profile.headers, file: { accept: 'application/json' } }
  const other = await read(clientFor(new URL(`${server.baseUrl}/`), { profile: { ...profile, headers } }).client)
  expect(other).toEqual({ text: plain.text, forms: ['binary'] })
})

test('HAPI: the deletion of an export that is done is 404, and no error', async () => {
  const { client, wait, statuses } = await fieldServer('hapi', { pollsBeforeDone: 0 })
  const { statusUrl } = await client.kickOff(SYSTEM, never)
  await wait(statusUrl)
  await client.release(statusUrl, never)
  expect(statuses.at(-1)).toBe(404)
})

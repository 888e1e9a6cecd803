/** The downloads of whole exports from a server that is odd in one way at a time: the resources are always the same. */
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import type { DemoBehaviour } from '../../src/demo/behaviour.ts'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { startDemoServer } from '../../src/demo/server.ts'
import { clientFor, waitFor } from './client-fixture.ts'
import { FastClock } from './fast-clock.ts'

const signal = new AbortController().signal
const TYPES = ['Patient', 'Observation', 'Encounter']

const ODDITIES: [what: string, behaviour: Partial<DemoBehaviour>][] = [
  ['that compresses with gzip', { encodings: ['gzip'] }],
  ['that compresses with deflate', { encodings: ['deflate'] }],
  ['that means bare deflate', { encodings: ['raw-deflate'] }],
  ['that compresses with br', { encodings: ['br'] }],
  ['that does not compress', { encodings: [] }],
  ['that cuts each file twice, and goes on by ranges', { ranges: true, cutAfterBytes: 1_000, cuts: 2 }],
  ['that cuts each file twice, and begins anew', { cutAfterBytes: 1_000, cuts: 2 }],
  ['that is busy at first', { fileFailures: { status: 429, times: 2 } }],
  ['that wraps files in Binary (HAPI)', { fileForm: 'binary-always' }],
  ['that sends JSON arrays', { fileForm: 'json-array' }],
  ['that sends Bundles', { fileForm: 'bundle' }],
  ['that sends Bundles, and cuts them', { fileForm: 'bundle', ranges: true, cutAfterBytes: 1_000, cuts: 2 }],
  [
    'of octet-streams with CRLF and a byte order mark',
    { contentType: 'application/octet-stream', lineEnds: 'crlf', bom: true },
  ],
  ['without a last line feed', { finalLineEnd: false, contentType: 'text/plain' }],
  ['with storage of its own', { fileHost: 'storage' }],
  ['that sends on to its storage (Oracle)', { fileRedirect: true }],
  ['that sends on to its storage, and cuts there', { fileRedirect: true, ranges: true, cutAfterBytes: 1_000, cuts: 2 }],
]

test('a wait for a file is told to who asked for it, with the status', async () => {
  const waits: unknown[] = []
  const server = await startDemoServer({
    patients: 2,
    behaviour: { pollsBeforeDone: 0, fileFailures: { status: 503, times: 1 }, retryAfterSeconds: 7 },
  })
  onTestFinished(() => server.stop())
  const elsewhere = () => waits.push('elsewhere')
  const clock = new FastClock()
  const { client } = clientFor(new URL(`${server.baseUrl}/`), { onWait: elsewhere }, clock)
  const { statusUrl } = await client.kickOff({ level: { kind: 'system' }, types: ['Patient'] }, signal)
  const { output } = await client.readManifest(statusUrl, signal)
  const onWait = (wait: object) => waits.push(wait)
  await client.fetchFile(output[0]!, { requiresAccessToken: false }, (body) => text(body), signal, { onWait })
  expect(waits).toEqual([{ step: 'file', code: 'BULK_BUSY', status: 503, ms: 7000 }])
})

async function exported(behaviour: Partial<DemoBehaviour>): Promise<unknown[]> {
  const clock = new FastClock()
  const pair = await demoKeyPair()
  const server = await startDemoServer({
    patients: 4,
    seed: 7,
    clock,
    auth: pair,
    behaviour: { pollsBeforeDone: 0, ...behaviour },
  })
  onTestFinished(() => server.stop())
  const auth = { kind: 'private-key-jwt', clientId: pair.clientId, keyText: JSON.stringify(pair.privateJwk) } as const
  const { client } = clientFor(new URL(`${server.baseUrl}/`), { auth: { ...auth, scope: 'system/*.rs' } }, clock)
  const { statusUrl } = await client.kickOff({ level: { kind: 'system' }, types: TYPES }, signal)
  const deadline = new Date(clock.now().getTime() + 3_600_000)
  const manifest = await waitFor(client, statusUrl, { deadline, onProgress: () => undefined, signal })
  const files = await Promise.all(manifest.output.map((file) => client.fetchFile(file, manifest, text, signal)))
  const lines = files.flatMap((file) => file.replace(/^\ufeff/, '').split(/\r?\n/)).filter((line) => line !== '')
  expect(server.requests.authorizationAtStorage).toBe(0)
  return lines.map((line) => JSON.parse(line) as unknown)
}

test.each(ODDITIES)('a server %s gives the same resources as a plain one', async (_, behaviour) => {
  const plain = await exported({})
  expect(plain.length).toBeGreaterThan(50)
  expect(await exported(behaviour)).toEqual(plain)
})

test.each(['html', 'outcome'] as const)('a server that sends %s for a file gives none', async (fileForm) => {
  await expect(exported({ fileForm })).rejects.toMatchObject({ code: 'BULK_FILE_LOST' })
})

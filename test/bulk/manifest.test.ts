import { describe, expect, test } from 'vitest'
import { clientFor, failureOf } from './client-fixture.ts'
import { cutOff, MANIFEST, reply, startOddityServer } from './oddity-server.ts'

const entry = { type: 'Patient', url: 'http://127.0.0.1/file?sig=1', count: 3 }

async function manifestOf(body: string | object) {
  const server = await startOddityServer()
  server.on('GET /jobs/7', reply(200, {}, body))
  return clientFor(server.baseUrl).wait('/jobs/7')
}

test('a manifest keeps its transactionTime as sent, and as an instant', async () => {
  const transactionTime = '2026-11-21T15:29:00.123+05:30'
  const manifest = await manifestOf({ ...MANIFEST, transactionTime })
  expect(manifest.transactionTime).toBe(transactionTime)
  expect(manifest.transactionInstant.toISOString()).toBe('2026-11-21T09:59:00.123Z')
})

test.each(['error', 'output', 'deleted'] as const)('a manifest without %s has none of these files', async (kind) => {
  const { [kind]: _, ...rest } = MANIFEST
  expect((await manifestOf(rest))[kind]).toEqual([])
})

test.each([
  [true, true],
  [false, false],
  ['true', true],
  ['false', false],
  [undefined, true],
  [null, true],
])('requiresAccessToken %s counts as %s', async (sent, read) => {
  expect((await manifestOf({ ...MANIFEST, requiresAccessToken: sent })).requiresAccessToken).toBe(read)
})

test('the outcome of STU4 is read as error', async () => {
  const { error: _, ...rest } = MANIFEST
  expect((await manifestOf({ ...rest, outcome: [entry] })).error).toEqual([{ kind: 'error', ordinal: 0, ...entry }])
})

test.each([
  [[], [entry]],
  [[entry], []],
  [null, [entry]],
])('of error %o and outcome %o the one that lists files is read', async (error, outcome) => {
  expect((await manifestOf({ ...MANIFEST, error, outcome })).error.map(({ url }) => url)).toEqual([entry.url])
})

test('links that lead to no further page do no harm', async () => {
  const link = [null, { relation: 'self', url: 'http://127.0.0.1/status' }]
  expect((await manifestOf({ ...MANIFEST, link })).output).toEqual([])
})

test('relative file URLs are taken from the status URL', async () => {
  const { output } = await manifestOf({
    ...MANIFEST,
    output: [
      { ...entry, url: 'files/1' },
      { ...entry, url: '/files/2' },
    ],
  })
  expect(output.map(({ url }) => new URL(url).pathname)).toEqual(['/jobs/files/1', '/files/2'])
})

test('an entry without type or with an odd count is kept, its place too', async () => {
  const output = [
    { url: entry.url },
    { ...entry, count: -1 },
    { ...entry, count: '3' },
    { ...entry, type: 'Patient; DROP' },
  ]
  const files = (await manifestOf({ ...MANIFEST, output })).output
  expect(files.map(({ ordinal, type, count }) => [ordinal, type, count])).toEqual([
    [0, undefined, undefined],
    [1, 'Patient', undefined],
    [2, 'Patient', undefined],
    [3, undefined, 3],
  ])
})

describe('a manifest that can not be used is BULK_MANIFEST_INVALID, naming what', () => {
  test.each([
    ['is HTML', '<html>', 'no JSON object'],
    ['is empty', '', 'no JSON object'],
    ['is a list', '[]', 'no JSON object'],
    ['is null', 'null', 'no JSON object'],
    ['has no transactionTime', { output: [] }, 'transactionTime'],
    ['has an odd transactionTime', { ...MANIFEST, transactionTime: 'soon 5' }, 'transactionTime'],
    ['has a number as transactionTime', { ...MANIFEST, transactionTime: 1795236442 }, 'transactionTime'],
    ['has an output that is no list', { ...MANIFEST, output: {} }, 'output'],
    ['has an error that is no list', { ...MANIFEST, error: 'none' }, 'error'],
    ['has further pages', { ...MANIFEST, link: [{ relation: 'next', url: 'http://127.0.0.1/2' }] }, 'further pages'],
    ['lists null', { ...MANIFEST, output: [entry, null] }, 'output[1].url'],
    ['lists a file without URL', { ...MANIFEST, deleted: [{ type: 'Bundle' }] }, 'deleted[0].url'],
    ['lists a URL that is none', { ...MANIFEST, output: [{ ...entry, url: 'http://[' }] }, 'output[0].url'],
  ])('when it %s', async (_, body, named) => {
    const error = await failureOf(manifestOf(body))
    expect([error.code, error.retryable]).toEqual(['BULK_MANIFEST_INVALID', false])
    expect(error.message).toContain(named)
  })
})

test('a manifest without end is BULK_ANSWER_TOO_LONG, and not held in memory', async () => {
  const server = await startOddityServer()
  let stopped = false
  server.on('GET /status', (_, response) => {
    const megabyte = Buffer.alloc(1024 * 1024, ' ')
    response.once('close', () => (stopped = true))
    const more = (): unknown => stopped || response.write(megabyte, more)
    more()
  })
  expect(await failureOf(clientFor(server.baseUrl).wait())).toMatchObject({
    code: 'BULK_ANSWER_TOO_LONG',
    retryable: false,
  })
  expect(server.asked.length).toBe(1)
})

test('a manifest that breaks off on its way is asked for again', async () => {
  const server = await startOddityServer()
  const whole = JSON.stringify(MANIFEST)
  server.on('GET /status', cutOff({ 'Content-Length': whole.length }, whole.slice(0, 20)), reply(200, {}, whole))
  expect((await clientFor(server.baseUrl).wait()).transactionTime).toBe(MANIFEST.transactionTime)
})

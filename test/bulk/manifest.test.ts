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

describe('a transactionTime that says less than an instant is the earliest instant it can be', () => {
  test.each([
    ['2026-11-21T09:59Z', '2026-11-21T09:59:00.000Z'],
    ['2026-11-21T09:59:00.1239999Z', '2026-11-21T09:59:00.123Z'],
    ['2026-11-21T09:59:00.5-05:00', '2026-11-21T14:59:00.500Z'],
    ['2026-11-21T15:29:00+0530', '2026-11-21T09:59:00.000Z'],
    ['2026-11-21 09:59:00z', '2026-11-21T09:59:00.000Z'],
    ['2026-11-21T09:59:00', '2026-11-20T19:59:00.000Z'],
    ['2026-11-21', '2026-11-20T10:00:00.000Z'],
  ])('%s is %s', async (transactionTime, instant) => {
    const manifest = await manifestOf({ ...MANIFEST, transactionTime })
    expect(manifest.transactionInstant.toISOString()).toBe(instant)
    expect(manifest.transactionTime).toBe(transactionTime)
  })
})

test.each([
  [true, true],
  [false, false],
  ['true', true],
  ['false', false],
  ['False', false],
  [' FALSE ', false],
  [undefined, true],
  [null, true],
  ['no idea', true],
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

test('of error and outcome that both list files both are read, each entry in a place of its own', async () => {
  const other = { ...entry, url: 'http://127.0.0.1/other' }
  const { error } = await manifestOf({ ...MANIFEST, error: [entry], outcome: [entry, other] })
  expect(error.map(({ ordinal, url }) => [ordinal, url])).toEqual([
    [0, entry.url],
    [1, entry.url],
    [2, other.url],
  ])
})

test('a manifest of STU4 is read with all it says, and what is not known does no harm', async () => {
  const manifest = await manifestOf({
    manifestType: 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkDataManifest',
    transactionTime: MANIFEST.transactionTime,
    requiresAccessToken: false,
    outputFormat: 'application/fhir+ndjson',
    outputOrganizedBy: 'Patient',
    outputOrganizedByDetail: 'all there is',
    extension: { 'https://example.org/ext': true },
    output: [
      { url: '/1', count: 4, fileSize: 4096, continuesInFile: '/2', extension: [] },
      { url: '/2', continuesInFile: 'http://[' },
    ],
    deleted: [{ url: '/3', count: 1 }],
    outcome: [
      {
        url: '/4',
        count: 9,
        countSeverity: [
          { code: 'error', count: 2 },
          { code: 'warning', count: 7 },
          { code: 'Jane Doe', count: 1 },
          null,
        ],
      },
    ],
  })
  const place = (path: string): unknown => expect.stringMatching(new RegExp(`^http://127.0.0.1:\\d+${path}$`))
  expect(manifest).toMatchObject({
    requiresAccessToken: false,
    organizedBy: 'Patient',
    output: [
      { ordinal: 0, type: undefined, url: place('/1'), count: 4 },
      { ordinal: 1, url: place('/2') },
    ],
    deleted: [{ kind: 'deleted', type: undefined, count: 1 }],
    error: [{ kind: 'error', count: 9, severities: { error: 2, warning: 7 } }],
  })
})

test.each([
  ['Sun, 22 Nov 2026 10:00:00 GMT', new Date('2026-11-22T10:00:00Z')],
  ['2026-11-22T10:00:00Z', new Date('2026-11-22T10:00:00Z')],
  ['0', undefined],
  ['-1', undefined],
  ['Thu, 01 Jan 1970 00:00:00 GMT', undefined],
  ['soon', undefined],
  [undefined, undefined],
])('files expire when Expires says: %s', async (header, expires) => {
  const server = await startOddityServer()
  server.on('GET /status', reply(200, header === undefined ? {} : { Expires: header }, MANIFEST))
  expect((await clientFor(server.baseUrl).wait()).expires).toEqual(expires)
})

test('a file that is listed twice keeps both entries', async () => {
  const other = { ...entry, url: 'http://127.0.0.1/file?sig=2' }
  const { output } = await manifestOf({ ...MANIFEST, output: [entry, other, entry], deleted: [entry] })
  expect(output.map(({ ordinal, url }) => [ordinal, url])).toEqual([
    [0, entry.url],
    [1, other.url],
    [2, entry.url],
  ])
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
    ['has a next page that is nowhere', { ...MANIFEST, link: [{ relation: 'next' }] }, 'link next'],
    ['has a date that is none', { ...MANIFEST, transactionTime: '2026-13-45T00:00:00Z' }, 'transactionTime'],
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

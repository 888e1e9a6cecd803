import { createHash } from 'node:crypto'
import { Writable, type Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { clientFor, failureOf } from './client-fixture.ts'
import { cutOff, outcome, reply, stall, startOddityServer, type Answer } from './oddity-server.ts'

const ROUTE = 'GET /file'
const BODY = Buffer.from(
  Array.from({ length: 20_000 }, (_, n) => `{"resourceType":"Patient","id":"p${n}-ü€😀"}\n`).join(''),
)
const never = new AbortController().signal
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

const CODINGS: [name: string, headers: Record<string, string>, body: Buffer][] = [
  ['gzip', { 'Content-Encoding': 'gzip' }, gzipSync(BODY)],
  ['x-gzip in capitals', { 'Content-Encoding': 'X-GZIP' }, gzipSync(BODY)],
  ['deflate', { 'Content-Encoding': 'deflate' }, deflateSync(BODY)],
  ['br', { 'Content-Encoding': 'br' }, brotliCompressSync(BODY, { params: { 1: 4 } })],
  ['identity', { 'Content-Encoding': 'identity' }, BODY],
  ['nothing', {}, BODY],
]
const WHOLE = reply(200, {}, BODY)

async function served(...answers: Answer[]) {
  const server = await startOddityServer()
  server.on(ROUTE, ...answers)
  const fixture = clientFor(server.baseUrl)
  const consumed = <T>(consume: (body: Readable) => Promise<T>, signal = never) =>
    fixture.client.fetchFile(
      { kind: 'output', url: `${server.origin}/file` },
      { requiresAccessToken: false },
      consume,
      signal,
    )
  return { server, consumed, ...fixture }
}

describe('a file', () => {
  test.each(CODINGS)('compressed with %s arrives byte for byte', async (_, headers, body) => {
    const { server, download } = await served(reply(200, headers, body))
    expect(sha256(await download())).toBe(sha256(BODY))
    expect(server.asked[0]!.headers).toMatchObject({
      accept: 'application/fhir+ndjson',
      'accept-encoding': 'gzip, deflate, br',
    })
  })

  test('whose characters are split over chunks arrives byte for byte', async () => {
    const text = Buffer.from('{"name":"Zoë 😀 €"}\n'.repeat(20))
    const { download } = await served((_, response) => {
      let at = 0
      const next = (): void => {
        if (at === text.length) response.end()
        else response.write(text.subarray(at, ++at), () => setImmediate(next))
      }
      next()
    })
    expect(sha256(await download())).toBe(sha256(text))
  })

  test.each([
    ['nothing', {}],
    ['gzip', { 'Content-Encoding': 'gzip' }],
  ])('that is empty is empty, compressed with %s or not', async (_, headers) => {
    const { download } = await served(reply(200, { ...headers, 'Content-Length': 0 }))
    expect((await download()).length).toBe(0)
  })

  test('is handed on while it is still arriving', async () => {
    let finish = () => {}
    const { consumed } = await served((asked, response) => {
      stall({}, '{"id":"first"}\n')(asked, response)
      finish = () => response.end('{"id":"last"}\n')
    })
    const bytes = await consumed((body) => {
      body.once('data', () => finish())
      return buffer(body)
    })
    expect(bytes.toString()).toContain('last')
  })

  test.each([
    [404, 'BULK_FILE_EXPIRED'],
    [410, 'BULK_FILE_EXPIRED'],
    [403, 'BULK_FILE_EXPIRED'],
    [400, 'BULK_FILE_LOST'],
  ])('that answers %i is %s, at once', async (status, code) => {
    const { server, download } = await served(reply(status, {}, outcome('not-found', 'expired')))
    const error = await failureOf(download())
    expect(error).toMatchObject({ code, retryable: false, facts: { status } })
    expect(server.asked.length).toBe(1)
  })

  test.each([
    [
      'Amazon S3',
      403,
      '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>',
    ],
    ['Azure', 403, '\ufeff<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code></Error>'],
  ])('whose signed address has expired, as %s says it, is BULK_FILE_EXPIRED', async (_, status, body) => {
    const { download } = await served(reply(status, { 'Content-Type': 'application/xml' }, body))
    const error = await failureOf(download())
    expect([error.code, error.facts.status]).toEqual(['BULK_FILE_EXPIRED', status])
    expect(error.hint).toContain('expired')
  })

  test('that storage refuses with 400, because the token came beside a signature, says so', async () => {
    const { download } = await served(reply(400, {}, '<Error><Code>InvalidArgument</Code></Error>'))
    expect(await failureOf(download())).toMatchObject({
      code: 'BULK_FILE_LOST',
      hint: expect.stringContaining('tokenOrigins') as unknown,
    })
  })

  test.each(['text/html', 'text/html; charset=utf-8', 'TEXT/HTML'])(
    'of %s with status 200 is BULK_FILE_LOST, and not handed on',
    async (type) => {
      const { consumed } = await served(reply(200, { 'Content-Type': type }, '<html>log in</html>'))
      let handed = false
      const error = await failureOf(consumed(async () => (handed = true)))
      expect([error.code, handed]).toEqual(['BULK_FILE_LOST', false])
      expect(error.message).not.toContain('log in')
    },
  )

  test('in a coding nobody asked for is BULK_FILE_LOST', async () => {
    const { download } = await served(reply(200, { 'Content-Encoding': 'zstd' }, 'x'))
    expect((await failureOf(download())).code).toBe('BULK_FILE_LOST')
  })

  test('that is busy for a while, 429 and 502 among it, is had in the end', async () => {
    const { download, clock } = await served(
      reply(429, { 'Retry-After': '4' }),
      reply(502, { 'Content-Type': 'text/html' }, '<h1>'),
      WHOLE,
    )
    expect(sha256(await download())).toBe(sha256(BODY))
    expect(clock.sleeps[0]).toBe(4000)
  })
})

describe("an OperationOutcome with status 200 in a file's place", () => {
  const TYPES = ['application/fhir+json', 'application/fhir+json; charset=utf-8', 'application/json']
  const lone = outcome('expired', 'the file is gone')

  test.each(TYPES)('of %s is BULK_FILE_LOST with its words, whatever the consumer makes of it', async (type) => {
    const zipped = gzipSync(JSON.stringify(lone, null, 2))
    const { server, download, consumed } = await served(
      reply(200, { 'Content-Type': type }, JSON.stringify(lone)),
      reply(200, { 'Content-Type': type, 'Content-Encoding': 'gzip' }, zipped),
    )
    const error = await failureOf(download())
    expect(error).toMatchObject({ code: 'BULK_FILE_LOST', retryable: false, facts: { issue: 'expired' } })
    expect(error.message).toContain('the file is gone')
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() })
    expect((await failureOf(consumed((body) => pipeline(body, sink)))).code).toBe('BULK_FILE_LOST')
    expect(server.asked.length).toBe(2)
  })

  test('is what an error file consists of, and arrives', async () => {
    const { server, client } = await served(reply(200, { 'Content-Type': 'application/json' }, JSON.stringify(lone)))
    const file = { kind: 'error', url: `${server.origin}/file` } as const
    const bytes = await client.fetchFile(file, { requiresAccessToken: false }, buffer, never)
    expect(JSON.parse(bytes.toString())).toEqual(lone)
  })
})

test.each([
  ['many lines', BODY],
  ['one line', BODY.subarray(0, BODY.indexOf('\n') + 1)],
  ['two lines, an OperationOutcome the first', Buffer.from(`${JSON.stringify(outcome('invalid', 'x'))}\n{}\n`)],
  ['none', Buffer.alloc(0)],
])('NDJSON of %s that calls itself application/json arrives byte for byte', async (_, bytes) => {
  const { download } = await served(reply(200, { 'Content-Type': 'application/json' }, bytes))
  expect(sha256(await download())).toBe(sha256(bytes))
})

test('NDJSON that calls itself application/json and breaks off is fetched again, and arrives whole', async () => {
  const headers = { 'Content-Type': 'application/json', 'Content-Length': BODY.length }
  const { download } = await served(cutOff(headers, BODY.subarray(0, 999)), reply(200, headers, BODY))
  expect(sha256(await download())).toBe(sha256(BODY))
})

describe('a file that breaks off is fetched again from its start and arrives whole', () => {
  const half = (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)

  test.each(CODINGS)('when the connection is cut, with %s', async (_, headers, body) => {
    const { server, download, clock } = await served(
      cutOff(headers, half(body)),
      cutOff(headers, half(body)),
      reply(200, headers, body),
    )
    expect(sha256(await download())).toBe(sha256(BODY))
    expect([server.asked.length, clock.sleeps.length]).toEqual([3, 2])
  })

  test.each(CODINGS.filter(([, headers]) => !/^$|identity/.test(headers['Content-Encoding'] ?? '')))(
    'when its %s ends too soon',
    async (_, headers, body) => {
      const { server, download } = await served(reply(200, headers, half(body)), reply(200, headers, body))
      expect(sha256(await download())).toBe(sha256(BODY))
      expect(server.asked.length).toBe(2)
    },
  )

  test('when its gzip is damaged', async () => {
    const bad = gzipSync(BODY)
    bad.fill(0x55, 5000, 5200)
    const { server, download } = await served(reply(200, { 'Content-Encoding': 'gzip' }, bad), WHOLE)
    expect(sha256(await download())).toBe(sha256(BODY))
    expect(server.asked.length).toBe(2)
  })

  test('when Content-Length is more than the body', async () => {
    const { server, download } = await served(cutOff({ 'Content-Length': BODY.length + 1 }, BODY), WHOLE)
    expect(sha256(await download())).toBe(sha256(BODY))
    expect(server.asked.length).toBe(2)
  })

  test('when that happens before the consumer has begun to read', async () => {
    const { server, consumed } = await served(cutOff({ 'Content-Length': 9 }, '{}\n'), WHOLE)
    const bytes = await consumed(async (body) => {
      if (server.asked.length === 1) await new Promise((resolve) => body.once('close', resolve))
      return buffer(body)
    })
    expect(sha256(bytes)).toBe(sha256(BODY))
  })

  test('and where it always does, it is BULK_UNREACHABLE, retryable, after all tries', async () => {
    const { server, download } = await served(cutOff({ 'Content-Encoding': 'gzip' }, half(gzipSync(BODY))))
    expect(await failureOf(download())).toMatchObject({ code: 'BULK_UNREACHABLE', retryable: true })
    expect(server.asked.length).toBe(7)
  })
})

describe('an error of the consumer is passed on and not tried again', () => {
  const disk = () => Object.assign(new Error('disk'), { code: 'ENOSPC' })
  const full = () => new Writable({ write: (_chunk, _encoding, done) => done(disk()) })
  const CONSUMERS: [what: string, consume: (body: Readable) => Promise<unknown>][] = [
    [
      'thrown before it reads',
      async () => {
        throw disk()
      },
    ],
    [
      'thrown between two chunks',
      async (body) => {
        for await (const _ of body) throw disk()
      },
    ],
    ['of the stream it writes to', async (body) => pipeline(body, full())],
    [
      'thrown after the end',
      async (body) => {
        for await (const _ of body);
        throw disk()
      },
    ],
  ]
  const cases = CONSUMERS.flatMap(([what, consume]) =>
    CODINGS.map(([coding, headers, bytes]) => [what, coding, consume, headers, bytes] as const),
  )

  test.each(cases)('%s, with %s', async (_what, _coding, consume, headers, bytes) => {
    const { server, consumed, clock } = await served(reply(200, headers, bytes))
    await expect(consumed(consume)).rejects.toMatchObject({ name: 'Error', message: 'disk', code: 'ENOSPC' })
    expect([server.asked.length, clock.sleeps.length]).toEqual([1, 0])
  })

  test.each(CONSUMERS.slice(0, 3))('%s, while the server has nothing more to send', async (_, consume) => {
    const { server, consumed } = await served(stall({}, '{}\n'))
    await expect(consumed(consume)).rejects.toThrow('disk')
    expect(server.asked.length).toBe(1)
  })
})

test('a consumer that has read enough ends the download', async () => {
  let closed: (value: unknown) => void
  const ended = new Promise((resolve) => (closed = resolve))
  const { consumed } = await served((asked, response) => {
    response.once('close', closed)
    stall({}, '{}\n')(asked, response)
  })
  const first = await consumed(
    (body) => new Promise((resolve) => body.once('data', (chunk: Buffer) => resolve(chunk.toString()))),
  )
  expect(first).toBe('{}\n')
  await ended
})

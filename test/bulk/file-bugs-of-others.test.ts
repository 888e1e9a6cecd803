/** What broke the downloads of other clients, each by the name of the bug. */
import { Writable, type Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { clientFor, failureOf, tokensOf } from './client-fixture.ts'
import { cut, fileServed, inPieces } from './file-fixture.ts'
import { cutOff, reply, startOddityServer } from './oddity-server.ts'

const never = new AbortController().signal
const LINE = '{"resourceType":"Patient","id":"a","name":[{"family":"Zoë 😀 €"}]}\n'

test.each([
  ['NDJSON', LINE.repeat(20), LINE.repeat(20)],
  ['a Bundle', `{"resourceType":"Bundle","entry":[{"resource":${LINE.trim()}}]}`, LINE],
  ['a JSON array', `[${LINE.trim()}]`, LINE],
])('a character that is split over two chunks was corrupted: in %s it is whole', async (_, body, expected) => {
  const { fetched } = await fileServed(inPieces({}, cut(Buffer.from(body), [1])))
  expect(await fetched()).toBe(expected)
})

test.each([
  ['a byte order mark', `\ufeff${LINE}`],
  ['a last line of blanks', `${LINE}  \t\r\n `],
  ['a blank first line (HAPI)', `\n${LINE}`],
  ['blank lines between', `${LINE}\n\r\n${LINE}`],
])('%s was refused: it arrives as it is', async (_, body) => {
  const { fetched } = await fileServed(reply(200, { 'Content-Type': 'application/ndjson' }, body))
  expect(await fetched()).toBe(body)
})

test.each([302, 307, 308])(
  'the token went to presigned storage: after a %i to another origin it does not',
  async (status) => {
    const [server, storage] = [await startOddityServer(), await startOddityServer()]
    server.on('GET /file', reply(status, { Location: `${storage.origin}/blob?sig=abc` }))
    storage.on('GET /blob', reply(200, {}, LINE))
    const { download } = clientFor(server.baseUrl, { auth: tokensOf(server) })
    expect((await download()).toString()).toBe(LINE)
    expect(server.askedOf('GET /file')[0]!.headers.authorization).toBe('Bearer token-1')
    expect(storage.asked[0]!.headers).not.toHaveProperty('authorization')
    expect(storage.asked[0]!.query).toBe('?sig=abc')
  },
)

test('the token went to presigned storage: nor does it when a download goes on there', async () => {
  const [server, storage] = [await startOddityServer(), await startOddityServer()]
  const headers = { ETag: '"1"', 'Content-Length': LINE.length + 6 }
  const range = `bytes 9-${Buffer.byteLength(LINE) - 1}/${Buffer.byteLength(LINE)}`
  storage.on(
    'GET /blob',
    cutOff({ ...headers, 'Content-Length': Buffer.byteLength(LINE) }, LINE.slice(0, 9)),
    reply(206, { ETag: '"1"', 'Content-Range': range }, LINE.slice(9)),
  )
  server.on('GET /file', reply(307, { Location: `${storage.origin}/blob?sig=abc` }))
  const { download } = clientFor(server.baseUrl, { auth: tokensOf(server) })
  expect((await download()).toString()).toBe(LINE)
  expect(storage.asked.map((asked) => [asked.headers.range, asked.headers.authorization])).toEqual([
    [undefined, undefined],
    ['bytes=9-', undefined],
  ])
})

test('a file that broke off looked complete: the consumer has no end to see before all has come', async () => {
  const { client, server } = await fileServed(
    cutOff({ 'Content-Length': 9_999 }, LINE),
    cutOff({}, LINE),
    cutOff({ 'Content-Encoding': 'gzip' }, gzipSync(LINE).subarray(0, -8)),
    reply(200, {}, LINE + LINE),
  )
  const ends: string[] = []
  const consume = async (body: Readable): Promise<void> => {
    const taken: Buffer[] = []
    const sink = new Writable({ write: (chunk: Buffer, _encoding, done) => (taken.push(chunk), done()) })
    await pipeline(body, sink)
    ends.push(Buffer.concat(taken).toString())
  }
  await client.fetchFile(
    { kind: 'output', url: `${server.origin}/file` },
    { requiresAccessToken: false },
    consume,
    never,
  )
  expect(ends).toEqual([LINE + LINE])
})

test('a whole file was one string, and too long for one: a line of 600 MB passes in small pieces', async () => {
  const filler = gzipSync(Buffer.alloc(1 << 20, 'x'))
  const parts = ['{"resourceType":"Patient","id":"a","x":"', '"}\n'].map((part) => gzipSync(part))
  const body = Buffer.concat([parts[0]!, ...Array.from({ length: 600 }, () => filler), parts[1]!])
  const { client, server } = await fileServed(reply(200, { 'Content-Encoding': 'gzip' }, body))
  let bytes = 0
  let longestPiece = 0
  const consume = async (stream: Readable): Promise<void> => {
    stream.on('data', (piece: Buffer) => {
      bytes += piece.length
      longestPiece = Math.max(longestPiece, piece.length)
    })
    await finished(stream)
  }
  await client.fetchFile(
    { kind: 'output', url: `${server.origin}/file` },
    { requiresAccessToken: false },
    consume,
    never,
  )
  expect([bytes, longestPiece <= 1 << 16]).toEqual([600 * (1 << 20) + 43, true])
})

test('a slow consumer filled the memory: the server waits for it', async () => {
  let sent = 0
  const { client, server } = await fileServed((_, response) => {
    const chunk = Buffer.from(LINE.repeat(1000))
    const more = (): void => {
      for (let going = true; going && sent < 512 << 20; sent += chunk.length) going = response.write(chunk)
      if (sent < 512 << 20) response.once('drain', more)
    }
    more()
  })
  const consume = async (body: Readable): Promise<number> => {
    await new Promise((resolve) => body.once('readable', resolve))
    // Until what the kernel and the streams hold is full, and no more is sent.
    for (let before = -1; before !== sent;) {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return body.readableLength
  }
  const file = { kind: 'output', url: `${server.origin}/file` } as const
  expect(await client.fetchFile(file, { requiresAccessToken: false }, consume, never)).toBeLessThan(1 << 20)
  expect(sent).toBeLessThan(100 << 20)
})

test('twenty thousand tiny files left listeners and sockets behind: a thousand leave none', async () => {
  const warnings: string[] = []
  const warn = (warning: Error) => warnings.push(warning.name)
  process.on('warning', warn)
  const server = await startOddityServer()
  let served = 0
  const sockets = new Set<unknown>()
  server.on('GET /file', (asked, response) => {
    sockets.add(response.socket)
    served += 1
    const [status, body] = TINY[served % TINY.length]!
    reply(
      status,
      served % 5 === 0 ? { 'Content-Encoding': 'gzip' } : {},
      served % 5 === 0 ? gzipSync(body) : body,
    )(asked, response)
  })
  const { client } = clientFor(server.baseUrl)
  const { signal } = new AbortController()
  let lost = 0
  const one = async (): Promise<void> => {
    const file = { kind: 'output', url: `${server.origin}/file` } as const
    const consume = (body: Readable) => pipeline(body, new Writable({ write: (_chunk, _encoding, done) => done() }))
    await client.fetchFile(file, { requiresAccessToken: false }, consume, signal).catch(() => (lost += 1))
  }
  const worker = async (): Promise<void> => {
    for (let n = 0; n < 125; n += 1) await one()
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  process.off('warning', warn)
  expect(warnings).toEqual([])
  expect(lost).toBeGreaterThan(100)
  expect(sockets.size).toBeLessThan(100)
})

/** Good ones, empty ones, lost ones and busy ones. */
const TINY: readonly [number, string][] = [
  [200, LINE],
  [200, ''],
  [200, `[${LINE}]`],
  [404, '<html>'.repeat(3000)],
  [200, '<html></html>'],
  [502, 'busy'],
  [200, LINE.repeat(2000)],
]

test('a web page with status 200 was stored as a file: it is none', async () => {
  const { fetched } = await fileServed(reply(200, { 'Content-Type': 'application/fhir+ndjson' }, '<html></html>'))
  expect((await failureOf(fetched())).code).toBe('BULK_FILE_LOST')
})

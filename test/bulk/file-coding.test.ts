import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { failureOf } from './client-fixture.ts'
import { cut, fileServed, inPieces } from './file-fixture.ts'
import { cutOff, reply } from './oddity-server.ts'

const NDJSON = Array.from({ length: 3_000 }, (_, n) => `{"resourceType":"Patient","id":"p${n}-ü€😀"}\n`).join('')
const BYTES = Buffer.from(NDJSON)
const members = (...parts: string[]) => Buffer.concat(parts.map((part) => gzipSync(part)))
const HALVES = [NDJSON.slice(0, 50_001), NDJSON.slice(50_001)] as const

const CODED: [what: string, coding: string | undefined, body: Buffer][] = [
  ['gzip', 'gzip', gzipSync(BYTES)],
  ['gzip of several members', 'gzip', members(...HALVES)],
  ['gzip with an empty member at its end', 'gzip', members(NDJSON, '')],
  ['deflate, as zlib', 'deflate', deflateSync(BYTES)],
  ['deflate, as zlib with another window', 'deflate', deflateSync(BYTES, { windowBits: 9 })],
  ['deflate, bare', 'deflate', deflateRawSync(BYTES)],
  ['deflate, bare, hardly compressed', 'deflate', deflateRawSync(BYTES, { level: 0 })],
  ['deflate that is gzip', 'deflate', gzipSync(BYTES)],
  ['br', 'br', brotliCompressSync(BYTES)],
  ['gzip and then br', 'gzip, br', brotliCompressSync(gzipSync(BYTES))],
  ['identity and gzip, in capitals', 'Identity,GZIP', gzipSync(BYTES)],
  ['gzip that no header names', undefined, gzipSync(BYTES)],
  ['gzip of several members that no header names', undefined, members(...HALVES)],
  ['gzip of a .gz file', 'gzip', gzipSync(gzipSync(BYTES))],
  ['nothing, though it says gzip', 'gzip', BYTES],
  ['nothing, though it says deflate', 'deflate', BYTES],
  ['nothing, though it says br', 'br', BYTES],
  ['nothing, though it says gzip and br', 'gzip, br', BYTES],
  ['nothing, though it says what nobody asked for', 'aws-chunked', BYTES],
]

describe('a file', () => {
  test.each(CODED)('compressed with %s arrives byte for byte, however it is cut', async (_, coding, body) => {
    const headers: Record<string, string> = coding === undefined ? {} : { 'Content-Encoding': coding }
    const { fetched, server, forms } = await fileServed(
      reply(200, headers, body),
      inPieces(headers, cut(body.subarray(0, 300), [1]).concat(cut(body.subarray(300), [4096, 7, 1]))),
    )
    expect((await fetched()) === NDJSON).toBe(true)
    expect((await fetched()) === NDJSON).toBe(true)
    expect([server.asked.length, forms]).toEqual([2, []])
  })

  test.each(CODED.filter(([, , body]) => body !== BYTES))(
    'compressed with %s that breaks off is fetched again, and arrives whole',
    async (what, coding, body) => {
      const headers: Record<string, string> = coding === undefined ? {} : { 'Content-Encoding': coding }
      const part = body.subarray(0, body.length - 9 - (what.includes('empty member') ? 20 : 0))
      const { fetched, server, clock } = await fileServed(
        reply(200, headers, part),
        cutOff(headers, part),
        reply(200, headers, body),
      )
      expect((await fetched()) === NDJSON).toBe(true)
      expect([server.asked.length, clock.sleeps.length]).toEqual([3, 2])
    },
  )

  test.each([undefined, 'gzip', 'deflate', 'br', 'gzip, br'])(
    'of nothing is nothing, as %s, in one chunk or none',
    async (coding) => {
      const headers: Record<string, string> = coding === undefined ? {} : { 'Content-Encoding': coding }
      const { fetched } = await fileServed(
        inPieces(headers, []),
        reply(204, headers),
        reply(200, { ...headers, 'Content-Length': '0' }),
      )
      expect([await fetched(), await fetched(), await fetched()]).toEqual(['', '', ''])
    },
  )

  test.each(['\ufeff{"id":"1"}', '\r\n{"id":"1"}\r\n', '[{"id":"1"}]', '{}', '<'.padEnd(80, 'x')])(
    'of %j, compressed or only said to be, is read',
    async (text) => {
      const lines = text.startsWith('[') ? '{"id":"1"}\n' : text
      for (const coding of ['gzip', 'deflate', 'br']) {
        const bodies = {
          gzip: [gzipSync(text)],
          deflate: [deflateSync(text), deflateRawSync(text)],
          br: [brotliCompressSync(text)],
        }
        for (const body of [...bodies[coding as 'gzip'], Buffer.from(text)]) {
          const { fetched } = await fileServed(reply(200, { 'Content-Encoding': coding }, body))
          if (text.startsWith('<')) expect((await failureOf(fetched())).code).toBe('BULK_FILE_LOST')
          else expect(await fetched()).toBe(lines)
        }
      }
    },
  )

  test.each(['zstd', 'compress', 'gzip, zstd'])(
    'compressed with %s, which nobody asked for, is BULK_FILE_LOST',
    async (coding) => {
      const { fetched, server } = await fileServed(
        reply(200, { 'Content-Encoding': coding }, Buffer.from('28b52ffd0458', 'hex')),
      )
      const error = await failureOf(fetched())
      expect([error.code, server.asked.length]).toEqual(['BULK_FILE_LOST', 1])
      expect(error.hint).toContain('gzip, deflate, br')
    },
  )

  test('whose gzip is followed by what is no gzip is not taken for whole', async () => {
    const { fetched, server } = await fileServed(
      reply(200, { 'Content-Encoding': 'gzip' }, Buffer.concat([gzipSync(HALVES[0]), Buffer.from(HALVES[1])])),
    )
    expect((await failureOf(fetched())).code).toBe('BULK_UNREACHABLE')
    expect(server.asked.length).toBe(7)
  })
})

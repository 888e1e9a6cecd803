import { createHash } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { failureOf } from './client-fixture.ts'
import { fileServed } from './file-fixture.ts'
import { cutOff, reply, type Answer, type Asked } from './oddity-server.ts'

const BODY = Buffer.from(
  Array.from({ length: 20_000 }, (_, n) => `{"resourceType":"Patient","id":"p${n}-ü€😀"}\n`).join(''),
)
const CHANGED = Buffer.from(BODY.toString().replaceAll('Patient', 'Observation'))
const TAG = { ETag: '"v1"', 'Accept-Ranges': 'bytes' }
const sha256 = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex')

function firstByte(asked: Asked): number {
  return Number(/^bytes=(\d+)-$/.exec(asked.headers.range ?? '')?.[1] ?? 0)
}

/** Serves ranges of `bytes` as they should be; each answer ends after `eachBytes`, the connection with it. */
function ranged(bytes: Buffer, eachBytes: number, headers: Record<string, string> = TAG): Answer {
  return (asked, response) => {
    const from = firstByte(asked)
    const left = bytes.length - from
    const range = { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(from > 0 ? 206 : 200, { ...headers, 'Content-Length': left, ...(from > 0 ? range : {}) })
    if (left <= eachBytes) response.end(bytes.subarray(from))
    else response.write(bytes.subarray(from, from + eachBytes), () => setImmediate(() => response.destroy()))
  }
}

const NOW = 'Sat, 21 Nov 2020 09:00:00 GMT'
const JUST_NOW = { 'Last-Modified': NOW, Date: NOW, 'Accept-Ranges': 'bytes' }
const whole = (bytes: Buffer, headers: Record<string, string> = TAG) => reply(200, headers, bytes)
const broken = ranged(BODY, 100_000)

describe('a download that breaks off goes on where it was', () => {
  test.each([
    ['a strong ETag', TAG, '"v1"'],
    ['a strong ETag alone', { ETag: '"v1"' }, '"v1"'],
    ['the time of the last change, and ranges', { 'Last-Modified': NOW, 'Accept-Ranges': 'bytes' }, NOW],
    [
      'a weak ETag, the time of the last change, and ranges',
      { ETag: 'W/"v1"', 'Last-Modified': NOW, 'Accept-Ranges': 'bytes' },
      NOW,
    ],
  ] as const)('where the server gives %s', async (_, headers, validator) => {
    const { fetched, server, passes } = await fileServed(ranged(BODY, 300_000, { ...headers }))
    expect(sha256(await fetched())).toBe(sha256(BODY))
    expect(passes()).toBe(1)
    const [first, second] = server.asked
    expect(first!.headers).not.toHaveProperty('range')
    expect(second!.headers).toMatchObject({ 'if-range': validator, 'accept-encoding': 'identity' })
    expect(firstByte(second!)).toBeGreaterThan(0)
  })

  test('in a hundred pieces, though a request has seven tries', async () => {
    const { fetched, server, passes, clock } = await fileServed(ranged(BODY, Math.ceil(BODY.length / 100)))
    expect(sha256(await fetched())).toBe(sha256(BODY))
    expect([passes(), server.asked.length >= 100, Math.max(...clock.sleeps) <= 500]).toEqual([1, true, true])
  })

  test('after tries that bring nothing, as long as they are few', async () => {
    const nothing = cutOff({ ...TAG, 'Content-Length': 9 }, '')
    const refused = reply(503)
    const { fetched, passes } = await fileServed(
      broken,
      refused,
      nothing206,
      refused,
      broken,
      nothing206,
      broken,
      ranged(BODY, 1e9),
    )
    expect(sha256(await fetched())).toBe(sha256(BODY))
    expect(passes()).toBe(1)
    const never = await fileServed(nothing)
    expect((await failureOf(never.fetched())).code).toBe('BULK_UNREACHABLE')
    expect(never.server.asked.length).toBe(7)
  })

  test('until seven tries in a row bring nothing, and then it is BULK_UNREACHABLE', async () => {
    const { fetched, server, passes } = await fileServed(broken, nothing206)
    expect(await failureOf(fetched())).toMatchObject({ code: 'BULK_UNREACHABLE', retryable: true })
    expect([server.asked.length, passes()]).toEqual([8, 1])
  })

  test('also when it is a .gz file, which is the file itself and no coding of it', async () => {
    const zipped = gzipSync(BODY, { level: 0 })
    const { fetched, passes } = await fileServed(ranged(zipped, 200_000))
    expect(sha256(await fetched())).toBe(sha256(BODY))
    expect(passes()).toBe(1)
  })

  test('also when a server gives less than was left', async () => {
    const slice: Answer = (asked, response) => {
      const from = firstByte(asked)
      if (from === 0) {
        broken(asked, response)
        return
      }
      const part = BODY.subarray(from, from + 150_000)
      const range = `bytes ${from}-${from + part.length - 1}/${BODY.length}`
      reply(206, { ...TAG, 'Content-Range': range }, part)(asked, response)
    }
    const { fetched, passes } = await fileServed(slice)
    expect(sha256(await fetched())).toBe(sha256(BODY))
    expect(passes()).toBe(1)
  })
})

/** The rest is announced, and none of it comes. */
const nothing206: Answer = (asked, response) => {
  const from = firstByte(asked)
  response.writeHead(206, { ...TAG, 'Content-Range': `bytes ${from}-${BODY.length - 1}/${BODY.length}` })
  response.flushHeaders()
  setImmediate(() => response.destroy())
}

/** An answer of 206 whose Content-Range a test makes up. */
function odd206(range: (from: number) => string, headers: Record<string, string> = TAG): Answer {
  return (asked, response) => {
    reply(
      206,
      { ...headers, 'Content-Range': range(firstByte(asked)) },
      BODY.subarray(firstByte(asked)),
    )(asked, response)
  }
}
const rest = (from: number) => `bytes ${from}-${BODY.length - 1}/${BODY.length}`

describe('a download begins again, with a new body for the consumer', () => {
  test.each([
    ['the file has changed', [broken, whole(CHANGED, { ETag: '"v2"' })], CHANGED, 2],
    ['the server sends the whole', [broken, whole(BODY)], BODY, 2],
    ['another place is sent', [broken, odd206((from) => rest(from - 1)), whole(BODY)], BODY, 3],
    ['no place is named', [broken, odd206(() => ''), whole(BODY)], BODY, 3],
    [
      'the rest is of a file of another length',
      [broken, odd206((from) => rest(from).replace(/\/.*/, '/9999999')), whole(BODY)],
      BODY,
      3,
    ],
    ['the rest is of another version', [broken, odd206(rest, { ETag: '"v2"' }), whole(CHANGED)], CHANGED, 3],
    ['the rest is compressed', [broken, odd206(rest, { ...TAG, 'Content-Encoding': 'gzip' }), whole(BODY)], BODY, 3],
    ['there is no such range', [broken, reply(416), whole(CHANGED)], CHANGED, 3],
    ['the server has no validator', [ranged(BODY, 100_000, {}), whole(BODY, {})], BODY, 2],
    ['its validator is weak', [ranged(BODY, 100_000, { ETag: 'W/"v1"' }), whole(BODY, {})], BODY, 2],
    ['it changed the file this very second', [ranged(BODY, 100_000, JUST_NOW), whole(BODY, {})], BODY, 2],
    ['it has no ranges', [ranged(BODY, 100_000, { ...TAG, 'Accept-Ranges': 'none' }), whole(BODY, {})], BODY, 2],
  ] as [string, Answer[], Buffer, number][])('when %s', async (_, answers, expected, requests) => {
    const { fetched, server, passes } = await fileServed(...answers)
    expect(sha256(await fetched())).toBe(sha256(expected))
    expect([passes(), server.asked.length]).toEqual([2, requests])
    expect(server.asked.at(-1)!.headers).not.toHaveProperty(requests === 3 ? 'range' : 'nothing')
  })

  test('when it was compressed on the way, whatever ETag it has', async () => {
    const coded = cutOff({ ...TAG, 'Content-Encoding': 'gzip' }, gzipSync(BODY).subarray(0, 9_000))
    const { fetched, server } = await fileServed(coded, whole(BODY))
    expect(sha256(await fetched())).toBe(sha256(BODY))
    expect(server.asked.map(({ headers }) => headers.range)).toEqual([undefined, undefined])
  })

  test('a bounded number of times, where a server breaks off and never goes on', async () => {
    const again: Answer = (asked, response) => ranged(BODY, 100_000)({ ...asked, headers: {} }, response)
    const { fetched, server, passes } = await fileServed(again)
    expect(await failureOf(fetched())).toMatchObject({ code: 'BULK_UNREACHABLE', retryable: true })
    expect([server.asked.length, passes()]).toEqual([9, 8])
  })

  test('when a part comes that nobody asked for', async () => {
    const { fetched, passes } = await fileServed(odd206(rest), whole(BODY))
    expect(sha256(await fetched())).toBe(sha256(BODY))
    expect(passes()).toBe(1)
  })

  test('when the server has it not ready yet', async () => {
    const { fetched } = await fileServed(reply(202), whole(BODY))
    expect(sha256(await fetched())).toBe(sha256(BODY))
  })
})

test('an address that expires in the middle is BULK_FILE_EXPIRED, and the consumer has let go by then', async () => {
  const { client, server } = await fileServed(broken, reply(403, {}, '<Error><Code>ExpiredToken</Code></Error>'))
  let ended = false
  const file = { kind: 'output', url: `${server.origin}/file` } as const
  const consume = async (body: NodeJS.ReadableStream) => {
    await buffer(body).finally(() => (ended = true))
  }
  const error = await failureOf(
    client.fetchFile(file, { requiresAccessToken: false }, consume, new AbortController().signal),
  )
  expect([error.code, error.facts.status, ended]).toEqual(['BULK_FILE_EXPIRED', 403, true])
})

test('an abort between two tries ends the download, and the consumer has let go by then', async () => {
  const { client, server, clock } = await fileServed(broken)
  const controller = new AbortController()
  clock.sleep = async (_, signal) => {
    controller.abort()
    signal?.throwIfAborted()
  }
  let ended = false
  const consume = async (body: NodeJS.ReadableStream) => {
    await buffer(body).finally(() => (ended = true))
  }
  const file = { kind: 'output', url: `${server.origin}/file` } as const
  await expect(
    client.fetchFile(file, { requiresAccessToken: false }, consume, controller.signal),
  ).rejects.toMatchObject({ name: 'AbortError' })
  expect([ended, server.asked.length]).toEqual([true, 1])
})

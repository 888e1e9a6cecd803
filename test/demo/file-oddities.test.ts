import { describe, expect, it } from 'vitest'
import { get, type IncomingMessage } from 'node:http'
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { startDemoServer } from '../../src/demo/server.ts'
import { behaviourFixture } from './behaviour-fixture.ts'
import { bearer, kickOff, linesOf, manifestOf, signIn, type Manifest } from './demo-client.ts'

const fixture = behaviourFixture()

async function begin(path = '$export?_type=Patient'): Promise<string> {
  return (await kickOff(fixture.server, path)).headers.get('content-location')!
}

async function poll(job: string): Promise<Manifest> {
  return (await (await fetch(job)).json()) as Manifest
}

async function fileUrl(path?: string): Promise<string> {
  return (await poll(await begin(path))).output[0]!.url
}

interface Answer {
  status: number
  headers: IncomingMessage['headers']
  body: Buffer
  /** Code of the error that ended the body, if one did. */
  broken: string | undefined
}

/** The raw answer, as it came over the wire. */
function download(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      const chunks: Buffer[] = []
      let broken: string | undefined
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', (error: NodeJS.ErrnoException) => (broken = error.code))
      response.on('close', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks), broken }),
      )
    }).on('error', reject)
  })
}

describe('fileHost storage', () => {
  it('gives signed URLs on another origin, which need no token and refuse one', async () => {
    const pair = await demoKeyPair()
    const behaviour = { pollsBeforeDone: 0, fileHost: 'storage' } as const
    const server = await startDemoServer({ patients: 1, auth: pair, behaviour })
    try {
      const token = await signIn(server, pair)
      const accepted = await kickOff(server, '$export?_type=Patient', { headers: bearer(token) })
      const { output, requiresAccessToken } = await manifestOf(accepted, token)
      const { url } = output[0]!
      expect(requiresAccessToken).toBe(false)
      expect(new URL(url).origin).toBe(server.storageUrl)
      expect(new URL(url).origin).not.toBe(new URL(server.baseUrl).origin)
      expect(await linesOf(url)).toHaveLength(1)
      const refused = await fetch(url, { headers: bearer(token) })
      expect([refused.status, server.requests.authorizationAtStorage]).toEqual([400, 1])
      expect(refused.headers.get('content-type')).toBe('application/xml')
      const { origin, pathname } = new URL(url)
      expect((await fetch(`${origin}${pathname}`)).status).toBe(403)
      expect((await fetch(`${origin}${pathname}?sig=made-up`)).status).toBe(403)
      expect((await fetch(`${origin}/fhir/metadata`)).status).toBe(404)
    } finally {
      await server.stop()
    }
  })
})

it('fileRedirect: the own URL sends the client on to the storage', async () => {
  fixture.behave({ fileRedirect: true })
  const { downloads, redirects } = fixture.server.requests
  const url = await fileUrl()
  expect(new URL(url).origin).toBe(new URL(fixture.server.baseUrl).origin)
  const moved = await fetch(url, { redirect: 'manual' })
  expect(moved.status).toBe(307)
  expect(moved.headers.get('location')!.startsWith(`${fixture.server.storageUrl}/`)).toBe(true)
  expect(await linesOf(url)).toHaveLength(3)
  expect([fixture.server.requests.downloads - downloads, fixture.server.requests.redirects - redirects]).toEqual([3, 2])
})

describe('a URL that is signed', () => {
  it.each(['own', 'storage'] as const)(
    'at the %s host stays the same, and its life is over at its time',
    async (fileHost) => {
      fixture.behave({ fileHost, urlLifeSeconds: 3600 })
      const job = await begin()
      const { url } = (await poll(job)).output[0]!
      const expires = (await fetch(job)).headers.get('expires')!
      expect(Date.parse(expires)).toBe(fixture.nowMs + 3_600_000)
      fixture.nowMs += 3_599_000
      expect((await fetch(url)).status).toBe(200)
      expect((await poll(job)).output[0]!.url).toBe(url)
      fixture.nowMs += 1000
      expect((await fetch(url)).status).toBe(410)
      expect((await poll(job)).output[0]!.url).toBe(url)
      fixture.behave({ expiredStatus: 403 })
      expect((await fetch(url)).status).toBe(403)
    },
  )

  it('at each poll is another one each time, and the old ones live their life', async () => {
    fixture.behave({ fileHost: 'storage', urlSigning: 'each-poll', urlLifeSeconds: 60 })
    const job = await begin()
    const first = (await poll(job)).output[0]!.url
    expect((await poll(job)).output[0]!.url).not.toBe(first)
    fixture.nowMs += 59_000
    const later = (await poll(job)).output[0]!.url
    expect((await fetch(first)).status).toBe(200)
    fixture.nowMs += 1000
    expect((await fetch(first)).status).toBe(410)
    expect((await fetch(later)).status).toBe(200)
  })

  it('cannot be given a longer life by its reader', async () => {
    fixture.behave({ urlLifeSeconds: 60 })
    const url = new URL(await fileUrl())
    url.searchParams.set('expires', String(fixture.nowMs + 3_600_000))
    expect((await fetch(url)).status).toBe(403)
  })
})

describe('encodings', () => {
  const unpacked = {
    gzip: gunzipSync,
    deflate: inflateSync,
    'raw-deflate': inflateRawSync,
    br: brotliDecompressSync,
  } as const

  it.each(['gzip', 'deflate', 'raw-deflate', 'br'] as const)('compresses as %s', async (encoding) => {
    fixture.behave({ encodings: [encoding] })
    const url = await fileUrl('$export?_type=Observation')
    const { body: plain } = await download(url)
    const { headers, body } = await download(url, { 'accept-encoding': 'gzip, deflate, br' })
    expect(headers['content-encoding']).toBe(encoding.replace('raw-', ''))
    expect(body.length).toBeLessThan(plain.length / 4)
    expect(unpacked[encoding](body).equals(plain)).toBe(true)
  })

  it('are chosen in the server’s order among what the client accepts', async () => {
    fixture.behave({ encodings: ['br', 'gzip'] })
    const url = await fileUrl()
    const chosen = async (accept: string) =>
      (await download(url, { 'accept-encoding': accept })).headers['content-encoding']
    expect(await chosen('gzip, br')).toBe('br')
    expect(await chosen('gzip, br;q=0')).toBe('gzip')
    expect(await chosen('deflate')).toBeUndefined()
    fixture.behave({ gzip: false })
    expect(await chosen('gzip')).toBeUndefined()
  })
})

describe('ranges', () => {
  it('gives parts of the same bytes, and never compresses', async () => {
    fixture.behave({ ranges: true })
    const url = await fileUrl('$export?_type=Observation')
    const whole = await download(url, { 'accept-encoding': 'gzip' })
    const { etag } = whole.headers
    expect(etag).toMatch(/^"[^"]+"$/)
    expect(whole.headers).toMatchObject({ 'accept-ranges': 'bytes', 'content-length': String(whole.body.length) })
    const size = whole.body.length
    for (const [range, from, to] of [
      ['bytes=0-9', 0, 10],
      [`bytes=${size - 200_000}-`, size - 200_000, size],
      ['bytes=-7', size - 7, size],
      [`bytes=5-${size + 99}`, 5, size],
    ] as const) {
      const part = await download(url, { range, 'if-range': etag! })
      expect([part.status, part.headers['content-range']]).toEqual([206, `bytes ${from}-${to - 1}/${size}`])
      expect(part.headers['content-length']).toBe(String(to - from))
      expect(part.body.equals(whole.body.subarray(from, to))).toBe(true)
    }
  })

  it('gives the whole where If-Range names another file, 412 where If-Match does, 416 beyond the end', async () => {
    fixture.behave({ ranges: true })
    const url = await fileUrl()
    const { body, headers } = await download(url)
    const other = await download(url, { range: 'bytes=5-', 'if-range': '"other"' })
    expect([other.status, other.body.length]).toEqual([200, body.length])
    expect((await download(url, { range: 'bytes=5-', 'if-match': '"other"' })).status).toBe(412)
    expect((await download(url, { range: 'bytes=5-', 'if-match': headers.etag! })).status).toBe(206)
    const beyond = await download(url, { range: `bytes=${body.length}-` })
    expect([beyond.status, beyond.headers['content-range']]).toEqual([416, `bytes */${body.length}`])
  })

  it('are ignored by a plain server', async () => {
    const { status, headers } = await download(await fileUrl(), { range: 'bytes=5-' })
    expect([status, headers.etag]).toEqual([200, undefined])
  })
})

describe('cutAfterBytes', () => {
  it('breaks the first answers of each file off, after exactly so many bytes', async () => {
    fixture.behave({ cutAfterBytes: 1000, cuts: 2 })
    const { output } = await poll(await begin('$export?_type=Patient,Claim'))
    for (const { url } of output) {
      for (let i = 0; i < 2; i++) {
        const { body, broken } = await download(url)
        expect([body.length, broken]).toEqual([1000, 'ECONNRESET'])
      }
      expect((await download(url)).broken).toBeUndefined()
    }
  })

  it('leaves what can be resumed by range', async () => {
    fixture.behave({ ranges: true })
    const url = await fileUrl()
    const { body: whole } = await download(url)
    fixture.behave({ cutAfterBytes: 500, cuts: 1 })
    const { body: head, headers } = await download(url)
    const { body: tail } = await download(url, { range: `bytes=${head.length}-`, 'if-range': headers.etag! })
    expect(Buffer.concat([head, tail]).equals(whole)).toBe(true)
  })
})

it('fileFailures: the first requests of each file fail, with a wait for those that ask too often', async () => {
  fixture.behave({ fileFailures: { status: 429, times: 2 }, retryAfterSeconds: 3 })
  const { output } = await poll(await begin('$export?_type=Patient,Claim'))
  for (const { url } of output) {
    for (let i = 0; i < 2; i++) {
      const { status, headers } = await download(url)
      expect([status, headers['retry-after']]).toEqual([429, '3'])
    }
    expect((await download(url)).status).toBe(200)
  }
  fixture.behave({ fileFailures: { status: 502, times: 1 } })
  const { status, headers } = await download(await fileUrl())
  expect([status, headers['retry-after']]).toEqual([502, undefined])
})

it('fileFailures: of one type where that is named, and 404 in the words of a file that is gone', async () => {
  fixture.behave({ fileFailures: { status: 404, times: 1, type: 'Claim' } })
  const { output } = await poll(await begin('$export?_type=Patient,Claim'))
  for (const { url, type } of output) {
    const { status, body } = await download(url)
    expect([type, status]).toEqual([type, type === 'Claim' ? 404 : 200])
    if (status === 404) expect(String(body)).toContain('"code":"not-found"')
  }
})

describe('the form of a file', () => {
  const accept = { accept: 'application/fhir+ndjson' }

  it('binary: a Binary for everybody but those who want exactly what is in it', async () => {
    const url = await fileUrl('$export?_type=Observation')
    const plain = await download(url)
    fixture.behave({ fileForm: 'binary' })
    for (const headers of [{}, { accept: 'application/fhir+ndjson, application/json' }]) {
      const { headers: told, body } = await download(url, headers)
      expect(told['content-type']).toBe('application/fhir+json')
      const binary = JSON.parse(body.toString()) as { resourceType: string; contentType: string; data: string }
      expect(binary).toMatchObject({ resourceType: 'Binary', contentType: 'application/fhir+ndjson' })
      expect(Buffer.from(binary.data, 'base64').equals(plain.body)).toBe(true)
    }
    expect((await download(url, accept)).body.equals(plain.body)).toBe(true)
    fixture.behave({ fileForm: 'binary-always' })
    expect(JSON.parse((await download(url, accept)).body.toString())).toMatchObject({ resourceType: 'Binary' })
  })

  it('json-array and bundle hold the same resources', async () => {
    const url = await fileUrl()
    const resources = (await linesOf(url)).map((line) => JSON.parse(line) as unknown)
    fixture.behave({ fileForm: 'json-array' })
    const array = await download(url, accept)
    expect(array.headers['content-type']).toBe('application/json')
    expect(JSON.parse(array.body.toString())).toEqual(resources)
    fixture.behave({ fileForm: 'bundle' })
    const text = (await download(url, accept)).body.toString()
    expect(text.split('\n').length).toBeGreaterThan(100)
    expect(JSON.parse(text)).toEqual({
      resourceType: 'Bundle',
      type: 'collection',
      entry: resources.map((resource) => ({ resource })),
    })
  })

  it('json-array and bundle of an empty file are empty', async () => {
    fixture.behave({ oddEntries: ['empty'] })
    const url = await fileUrl('$export?_type=Slot')
    fixture.behave({ fileForm: 'json-array' })
    expect(JSON.parse((await download(url)).body.toString())).toEqual([])
    fixture.behave({ fileForm: 'bundle' })
    expect(JSON.parse((await download(url)).body.toString())).toMatchObject({ entry: [] })
  })

  it('html and outcome come with status 200', async () => {
    const url = await fileUrl()
    fixture.behave({ fileForm: 'html' })
    const html = await download(url)
    expect([html.status, html.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    fixture.behave({ fileForm: 'outcome' })
    const outcome = await download(url)
    expect(outcome.status).toBe(200)
    expect(JSON.parse(outcome.body.toString())).toMatchObject({ resourceType: 'OperationOutcome' })
  })
})

describe('the bytes of a file', () => {
  it('contentType, lineEnds, bom, finalLineEnd and birthDateTimes are as told, the resources the same', async () => {
    const url = await fileUrl()
    const lines = await linesOf(url)
    fixture.behave({ contentType: 'text/plain', lineEnds: 'crlf', bom: true, finalLineEnd: false })
    const { headers, body } = await download(url)
    expect(headers['content-type']).toBe('text/plain')
    expect(body.equals(Buffer.from(`\uFEFF${lines.join('\r\n')}`))).toBe(true)

    fixture.behave({ lineEnds: 'lf', bom: false, finalLineEnd: true, birthDateTimes: true })
    const dated = (await linesOf(url)).map((line) => JSON.parse(line) as { birthDate: string })
    const plain = lines.map((line) => JSON.parse(line) as { birthDate: string })
    expect(dated).toEqual(plain.map((each) => ({ ...each, birthDate: `${each.birthDate}T00:00:00.000Z` })))
  })

  it('firstElement: id or meta is written before resourceType, and nothing else is changed', async () => {
    const url = await fileUrl()
    const lines = await linesOf(url)
    for (const firstElement of ['id', 'meta'] as const) {
      fixture.behave({ firstElement })
      const turned = await linesOf(url)
      expect(turned.every((line) => line.startsWith(`{"${firstElement}":`))).toBe(true)
      expect(turned.map((line) => JSON.parse(line) as object)).toEqual(lines.map((line) => JSON.parse(line) as object))
    }
  })

  it('stay the same byte for byte where the slow way of writing them changes nothing', async () => {
    const url = await fileUrl('$export?_type=Observation')
    const { body } = await download(url)
    fixture.behave({ birthDateTimes: true })
    expect((await download(url)).body.equals(body)).toBe(true)
  })
})

import { describe, expect, test } from 'vitest'
import type { PublishedAnswer } from '../../src/bulk/export/published.ts'
import { clientFor, failureOf, tokensOf } from './client-fixture.ts'
import { outcome, reply, startOddityServer, type Answer } from './oddity-server.ts'

const signal = new AbortController().signal
const ROOT = 'GET /fhir/$bulk-publish'

const next = (url: string) => [{ relation: 'next', url }]
/** `output` and `deleted` are names of files. */
const page = (time: string, output: string[], link?: object[], deleted: string[] = []) => ({
  manifestType: 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/BulkPublishManifest',
  transactionTime: `2026-11-${time}T00:00:00Z`,
  updateCadence: 'P1D',
  requiresAccessToken: false,
  output: output.map((name) => ({ type: 'Organization', url: `/files/${name}` })),
  ...(deleted.length > 0 && { deleted: deleted.map((name) => ({ url: `/files/${name}` })) }),
  ...(link && { link }),
})

/** Answers 304 to who has it already. */
function static_(etag: string, body: object): Answer {
  return (asked, response) => {
    const isHeld = asked.headers['if-none-match'] === etag
    reply(isHeld ? 304 : 200, { ETag: etag, Expires: new Date().toUTCString() }, isHeld ? '' : body)(asked, response)
  }
}

async function publishing() {
  const server = await startOddityServer()
  const { client } = clientFor(server.baseUrl)
  const read = (etag?: string) => client.readPublished(`${server.baseUrl.href}$bulk-publish`, { etag, signal })
  return { server, read }
}

type Published = Extract<PublishedAnswer, { state: 'published' }>
const filesOf = (answer: PublishedAnswer) =>
  (answer as Published).pages.flatMap((each) =>
    each.output.map(({ ordinal, url }) => `${ordinal} ${url.slice(url.lastIndexOf('/') + 1)}`),
  )
/** Where further pages are announced. */
const pendingOf = (answer: PublishedAnswer) =>
  (JSON.parse(etagOf(answer)) as { pending?: { url: string } }).pending?.url
const etagOf = (answer: PublishedAnswer) => (answer as Published).etag

test('a published manifest is read whole, page by page, with running places', async () => {
  const { server, read } = await publishing()
  server.on(ROOT, reply(200, {}, page('01', ['a', 'b'], next('/page2'))))
  server.on('GET /page2', reply(200, {}, page('01', ['c'])))
  const answer = await read()
  expect(filesOf(answer)).toEqual(['0 a', '1 b', '2 c'])
  expect((answer as Published).pages[0]).toMatchObject({
    requiresAccessToken: false,
    transactionTime: '2026-11-01T00:00:00Z',
  })
  expect(pendingOf(answer)).toBeUndefined()
  expect(server.asked[0]!.headers).toMatchObject({ accept: 'application/json' })
})

describe('a reading that knows the last one', () => {
  test('is answered with 304 by a server with ETags, and nothing more is asked', async () => {
    const { server, read } = await publishing()
    server
      .on(ROOT, static_('"1"', page('01', ['a'], next('/page2'))))
      .on('GET /page2', reply(200, {}, page('01', ['b'])))
    const etag = etagOf(await read())
    server.asked.length = 0
    expect(await read(etag)).toEqual({ state: 'unchanged' })
    expect(server.asked.map(({ path, headers }) => [path, headers['if-none-match']])).toEqual([
      ['/fhir/$bulk-publish', '"1"'],
    ])
  })

  test('tells the same from a server without ETags, by what the pages hold', async () => {
    const { server, read } = await publishing()
    server.on(ROOT, (asked, response) =>
      reply(200, { Expires: new Date(Math.random() * 1e12).toUTCString() }, page('01', ['a']))(asked, response),
    )
    expect(await read(etagOf(await read()))).toEqual({ state: 'unchanged' })
  })

  test('gets a new snapshot whole', async () => {
    const { server, read } = await publishing()
    server.on(ROOT, static_('"1"', page('01', ['a'])))
    const etag = etagOf(await read())
    server.on(ROOT, static_('"2"', page('02', ['x', 'y'])))
    const again = await read(etag)
    expect(filesOf(again)).toEqual(['0 x', '1 y'])
    expect(etagOf(again)).not.toBe(etag)
  })

  test.each(['W/"an etag of another kind"', '{}', '"1"', 'null', ''])(
    'with a mark that is none (%s) reads all',
    async (mark) => {
      const { server, read } = await publishing()
      server.on(ROOT, static_('"1"', page('01', ['a'])))
      expect((await read(mark)).state).toBe('published')
    },
  )
})

describe('a chain of updates', () => {
  const chain = async () => {
    const each = await publishing()
    each.server
      .on(ROOT, static_('"root"', page('01', ['a'], next('/update1'))))
      .on('GET /update1', static_('"stub"', page('01', [], next('#pending'))))
    const first = await each.read()
    each.server.asked.length = 0
    return { ...each, first, etag: etagOf(first) }
  }

  test('ends for now at the page that announces another one', async () => {
    const { server, first } = await chain()
    expect(filesOf(first)).toEqual(['0 a'])
    expect(pendingOf(first)).toBe(`${server.origin}/update1`)
  })

  test('is unchanged while root and that page are', async () => {
    const { server, read, etag } = await chain()
    expect(await read(etag)).toEqual({ state: 'unchanged' })
    expect(server.asked.map(({ path, headers }) => [path, headers['if-none-match']])).toEqual([
      ['/fhir/$bulk-publish', '"root"'],
      ['/update1', '"stub"'],
    ])
  })

  test('has changed when that page has gone on, though its root has not', async () => {
    const { server, read, etag } = await chain()
    server
      .on('GET /update1', static_('"u1"', page('02', ['b'], next('/update2'), ['gone'])))
      .on('GET /update2', static_('"u2"', page('03', [], next('#pending'))))
    const answer = (await read(etag)) as Published
    expect(filesOf(answer)).toEqual(['0 a', '1 b'])
    expect(answer.pages.map(({ deleted }) => deleted.length)).toEqual([0, 1, 0])
    expect(answer.pages.map((each) => each.transactionTime.slice(8, 10))).toEqual(['01', '02', '03'])
    expect(pendingOf(answer)).toBe(`${server.origin}/update2`)
    expect(await read(answer.etag)).toEqual({ state: 'unchanged' })
  })

  test('is unchanged where its last page has no ETag but still says the same', async () => {
    const { server, read } = await chain()
    server.on('GET /update1', reply(200, {}, page('01', [], next('#pending'))))
    expect(await read(etagOf(await read()))).toEqual({ state: 'unchanged' })
  })

  test.each([
    ['closed', (): Answer => reply(200, {}, page('02', [], next('#closed')))],
    ['taken away', (): Answer => reply(404)],
  ])('that was %s is read from its new root', async (_, end) => {
    const { server, read, etag } = await chain()
    const renewed = page('05', ['new'])
    // The root was still the old one when it was asked for first.
    server.on('GET /update1', end()).on(ROOT, reply(304), reply(200, {}, renewed))
    expect(filesOf(await read(etag))).toEqual(['0 new'])
  })

  test('that is closed before there is a new root is taken as it is', async () => {
    const { server, read, etag } = await chain()
    server.on('GET /update1', reply(200, {}, page('02', ['b'], next('#closed'))))
    const answer = await read(etag)
    expect(filesOf(answer)).toEqual(['0 a', '1 b'])
    expect(pendingOf(answer)).toBeUndefined()
  })
})

describe('what goes wrong', () => {
  test('a busy server is asked again', async () => {
    const { server, read } = await publishing()
    server.on(ROOT, reply(503), reply(429, { 'Retry-After': '5' }), reply(200, {}, page('01', ['a'])))
    expect(filesOf(await read())).toEqual(['0 a'])
  })

  test('no manifest there is BULK_REFUSED, with a way out', async () => {
    const { server, read } = await publishing()
    server.on(ROOT, reply(404, {}, outcome('not-found', 'no such thing')))
    const error = await failureOf(read())
    expect(error).toMatchObject({ code: 'BULK_REFUSED', retryable: false })
    expect(error.hint).toMatch(/address of the manifest/)
  })

  test('pages in a circle are BULK_MANIFEST_INVALID', async () => {
    const { server, read } = await publishing()
    server
      .on(ROOT, reply(200, {}, page('01', ['a'], next('/2'))))
      .on('GET /2', reply(200, {}, page('01', [], next('/2'))))
    expect((await failureOf(read())).code).toBe('BULK_MANIFEST_INVALID')
  })

  test('a 304 that nobody asked for is BULK_MANIFEST_INVALID', async () => {
    const { server, read } = await publishing()
    server.on(ROOT, reply(200, {}, page('01', ['a'], next('/2')))).on('GET /2', reply(304))
    expect((await failureOf(read())).code).toBe('BULK_MANIFEST_INVALID')
  })
})

test('a manifest behind authorization gets the token of its origin, renewed once', async () => {
  const server = await startOddityServer()
  server.on(ROOT, reply(401), reply(200, {}, page('01', ['a'])))
  const { client } = clientFor(server.baseUrl, { auth: tokensOf(server) })
  await client.readPublished(`${server.baseUrl.href}$bulk-publish`, { etag: undefined, signal })
  expect(server.askedOf(ROOT).map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2'])
})

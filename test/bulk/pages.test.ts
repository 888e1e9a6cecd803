import { describe, expect, test } from 'vitest'
import type { Manifest } from '../../src/bulk/export/manifest.ts'
import { clientFor, failureOf } from './client-fixture.ts'
import { MANIFEST, outcome, reply, startOddityServer, type Answer, type OddityServer } from './oddity-server.ts'

const signal = new AbortController().signal
const HOUR_MS = 3_600_000

const file = (name: string, type = 'Patient') => ({ type, url: `/files/${name}`, count: 1 })
const next = (url: string) => ({ link: [{ relation: 'next', url }] })
/** `names` are output files. */
const page = (names: string[], more: object = {}) => ({ ...MANIFEST, output: names.map((name) => file(name)), ...more })

async function scripted(script: (server: OddityServer) => unknown) {
  const server = await startOddityServer()
  script(server)
  const fixture = clientFor(server.baseUrl)
  const told: (number | undefined)[] = []
  const options = {
    deadline: new Date(fixture.clock.now().getTime() + HOUR_MS),
    onProgress: ({ percentDone }: { percentDone: number | undefined }) => void told.push(percentDone),
    signal,
    partial: true,
  }
  const pages = async (): Promise<Manifest[]> => {
    const all: Manifest[] = []
    for await (const each of fixture.client.pages(`${server.origin}/status`, options)) all.push(each)
    return all
  }
  return { server, ...fixture, pages, told, options }
}

const names = (pages: readonly Manifest[]) =>
  pages.map(({ output }) => output.map(({ ordinal, url }) => `${ordinal} ${url.slice(url.lastIndexOf('/') + 1)}`))

describe('a manifest of one page', () => {
  test('is one page', async () => {
    const { pages } = await scripted((server) => server.on('GET /status', reply(202), reply(200, {}, page(['a', 'b']))))
    expect(names(await pages())).toEqual([['0 a', '1 b']])
  })

  test('without files is one empty page', async () => {
    const { pages } = await scripted((server) => server.on('GET /status', reply(202), reply(200, {}, MANIFEST)))
    expect(names(await pages())).toEqual([[]])
  })
})

describe('partial manifests', () => {
  test('come page by page while the export goes on, each once, and their places run on', async () => {
    const { pages, told, server } = await scripted((each) =>
      each
        .on(
          'GET /status',
          reply(202, { 'X-Progress': '0%' }),
          reply(202, { 'X-Progress': '1 of 4' }, page(['a'])),
          reply(202, {}, page(['a'])),
          reply(202, {}, page(['a'], next('status/2'))),
        )
        .on(
          'GET /status/2',
          reply(202, { 'X-Progress': '50%' }),
          reply(202),
          reply(202, {}, page(['b', 'c'], next('/3'))),
        )
        .on('GET /3', reply(200, {}, page(['d']))),
    )
    expect(names(await pages())).toEqual([['0 a'], ['1 b', '2 c'], ['3 d']])
    expect(told).toEqual([0, 25, undefined, undefined, 50, undefined, undefined])
    expect(server.askedOf('GET /status').length).toBe(4)
  })

  test('are read to their end after the export is done, without a wait between pages', async () => {
    const { pages, clock } = await scripted((server) =>
      server
        .on('GET /status', reply(200, {}, page(['a'], next('/2'))))
        .on('GET /2', reply(200, {}, page(['b'], next('/3'))))
        .on('GET /3', reply(200, {}, page(['c']))),
    )
    expect(names(await pages())).toEqual([['0 a'], ['1 b'], ['2 c']])
    expect(clock.sleeps).toEqual([])
  })

  test('keep the places of deleted and error files apart', async () => {
    const lists = { deleted: [{ url: '/d' }], outcome: [{ url: '/e' }], error: undefined }
    const { pages } = await scripted((server) =>
      server
        .on('GET /status', reply(202, {}, page(['a'], { ...lists, ...next('/2') })))
        .on('GET /2', reply(200, {}, page([], { ...lists, outcome: [{ url: '/e2' }] }))),
    )
    const [first, second] = await pages()
    expect(first!.deleted.concat(first!.error).map(({ ordinal }) => ordinal)).toEqual([0, 0])
    expect(second!.deleted.concat(second!.error).map(({ ordinal }) => ordinal)).toEqual([1, 1])
  })

  test('of a server that lets one page grow give only what is new', async () => {
    const { pages } = await scripted((server) =>
      server.on(
        'GET /status',
        reply(202, {}, page(['a'])),
        reply(202, {}, page(['a', 'b'])),
        reply(202, {}, page(['a', 'b'])),
        reply(200, {}, page(['a', 'b', 'c'])),
      ),
    )
    expect(names(await pages())).toEqual([['0 a'], ['1 b'], ['2 c']])
  })

  test('of a server that signs the URLs of a page anew give none twice', async () => {
    const signed = (signature: number) => page([`a?sig=${signature}`, `b?sig=${signature}`])
    const { pages } = await scripted((server) =>
      server.on('GET /status', reply(202, {}, signed(1)), reply(202, {}, signed(2)), reply(200, {}, signed(3))),
    )
    expect(names(await pages())).toEqual([['0 a?sig=1', '1 b?sig=1']])
  })

  test('with files that differ only in their query lose none of them', async () => {
    const { pages } = await scripted((server) =>
      server
        .on('GET /status', reply(202, {}, page(['f?id=1'], next('/2'))))
        .on('GET /2', reply(200, {}, page(['f?id=2']))),
    )
    expect(names(await pages())).toEqual([['0 f?id=1'], ['1 f?id=2']])
  })

  test('that list a file twice keep both entries, each in a place of its own', async () => {
    const { pages } = await scripted((server) =>
      server
        .on('GET /status', reply(202, {}, page(['a', 'b', 'a'], next('/2'))))
        .on('GET /2', reply(200, {}, page(['c', 'b']))),
    )
    expect(names(await pages())).toEqual([
      ['0 a', '1 b', '2 a'],
      ['3 c', '4 b'],
    ])
  })

  test('that nobody asked for are not taken: what a server shows before the end may be a draft', async () => {
    const { client, server, options } = await scripted((each) =>
      each
        .on('GET /status', reply(202, {}, page(['draft'], next('/2'))), reply(200, {}, page(['a'])))
        .on('GET /2', reply(200, {}, page(['b']))),
    )
    const { partial: _, ...unasked } = options
    const all: Manifest[] = []
    for await (const each of client.pages(`${server.origin}/status`, unasked)) all.push(each)
    expect(names(all)).toEqual([['0 a']])
    expect(server.askedOf('GET /2')).toEqual([])
  })

  test('are of the earliest transactionTime, should they not agree', async () => {
    const at = (transactionTime: string) => ({ transactionTime })
    const { pages } = await scripted((server) =>
      server
        .on('GET /status', reply(202, {}, page(['a'], { ...at('2026-11-21T09:50:00Z'), ...next('/2') })))
        .on('GET /2', reply(202, {}, page(['b'], { ...at('2026-11-21T09:40:00Z'), ...next('/3') })))
        .on('GET /3', reply(200, {}, page(['c'], at('2026-11-21T09:59:00Z')))),
    )
    const times = (await pages()).map(({ transactionTime }) => transactionTime.slice(11, 16))
    expect(times).toEqual(['09:50', '09:40', '09:40'])
  })

  test('with X-Export-Status 202 are taken too', async () => {
    const { pages } = await scripted((server) =>
      server.on(
        'GET /status',
        reply(200, { 'X-Export-Status': '202 Accepted' }, page(['a'])),
        reply(200, { 'X-Export-Status': '200 OK' }, page(['a', 'b'])),
      ),
    )
    expect(names(await pages())).toEqual([['0 a'], ['1 b']])
  })
})

test.each<[string, string | object]>([
  ['text', 'please wait'],
  ['HTML', '<html></html>'],
  ['an OperationOutcome', outcome('informational', 'in progress')],
  ['an empty object', {}],
  ['a manifest that can not be used', { ...MANIFEST, output: 'soon' }],
])('a 202 whose body is %s is a 202', async (_, body) => {
  const { pages } = await scripted((server) =>
    server.on('GET /status', reply(202, {}, body), reply(200, {}, page(['a']))),
  )
  expect(names(await pages())).toEqual([['0 a']])
})

test('pages that a second process sees in another order lose no file', async () => {
  const { client, server, options } = await scripted((each) =>
    each.on('GET /status', reply(200, {}, page(['f?id=2'], next('/2')))).on('GET /2', reply(200, {}, page(['f?id=1']))),
  )
  const url = `${server.origin}/files/f?id=1`
  const before = [{ kind: 'output' as const, ordinal: 0, type: 'Patient', url }]
  const all: Manifest[] = []
  for await (const each of client.pages(`${server.origin}/status`, { ...options, before })) all.push(each)
  expect(names(all)).toEqual([['1 f?id=2'], ['0 f?id=1']])
})

test('pages that are read by a second process keep the places of the files, under the URLs of now', async () => {
  const { client, server, options } = await scripted((each) =>
    each
      .on('GET /status', reply(200, {}, page(['n', 'b?sig=2'], next('/2'))))
      .on('GET /2', reply(200, {}, page(['c?sig=2', 'a?sig=2']))),
  )
  const before = ['a', 'b', 'c'].map((name, ordinal) => {
    return { kind: 'output' as const, ordinal, type: 'Patient', url: `${server.origin}/files/${name}?sig=1` }
  })
  const all: Manifest[] = []
  for await (const each of client.pages(`${server.origin}/status`, { ...options, before })) all.push(each)
  expect(names(all)).toEqual([
    ['3 n', '1 b?sig=2'],
    ['2 c?sig=2', '0 a?sig=2'],
  ])
})

describe('a next link', () => {
  test.each<[string, (server: OddityServer) => unknown]>([
    ['to its own page', (server) => server.on('GET /status', reply(200, {}, page(['a'], next('/status'))))],
    [
      'to a page before it',
      (server) =>
        server
          .on('GET /status', reply(200, {}, page(['a'], next('/2'))))
          .on('GET /2', reply(200, {}, page(['b'], next('/status')))),
    ],
  ])('%s is BULK_MANIFEST_INVALID', async (_, script) => {
    const { pages } = await scripted(script)
    const error = await failureOf(pages())
    expect(error.code).toBe('BULK_MANIFEST_INVALID')
    expect(error.message).toContain('lead back')
  })

  test('to its own page, of an export that goes on, means to come back', async () => {
    const { pages } = await scripted((server) =>
      server.on('GET /status', reply(202, {}, page(['a'], next('/status'))), reply(200, {}, page(['a']))),
    )
    expect(names(await pages())).toEqual([['0 a']])
  })

  test.each([['http://['], [7], [undefined]])('of %s is BULK_MANIFEST_INVALID', async (url) => {
    const { pages } = await scripted((server) =>
      server.on('GET /status', reply(200, {}, page(['a'], next(url as string)))),
    )
    expect((await failureOf(pages())).message).toContain('link next')
  })

  test.each([404, 410])('that answers %i is BULK_EXPORT_GONE', async (status) => {
    const { pages } = await scripted((server) =>
      server.on('GET /status', reply(202, {}, page(['a'], next('/2')))).on('GET /2', reply(status)),
    )
    expect((await failureOf(pages())).code).toBe('BULK_EXPORT_GONE')
  })

  test('that answers with an error which may pass is waited for', async () => {
    const { pages } = await scripted((server) =>
      server
        .on('GET /status', reply(202, {}, page(['a'], next('/2'))))
        .on('GET /2', reply(500, {}, outcome('transient', 'soon')), reply(200, {}, page(['b']))),
    )
    expect(names(await pages())).toEqual([['0 a'], ['1 b']])
  })

  test('that is never ready ends with the deadline', async () => {
    const { pages } = await scripted((each) =>
      each.on('GET /status', reply(202, {}, page(['a'], next('/2')))).on('GET /2', reply(202)),
    )
    expect((await failureOf(pages())).code).toBe('BULK_DEADLINE')
  })
})

describe('readManifest', () => {
  const read = async (script: (server: OddityServer) => unknown) => {
    const each = await scripted(script)
    return { ...each, read: () => each.client.readManifest(`${each.server.origin}/status`, signal) }
  }

  test('gives the same files in the same places, under the URLs of now', async () => {
    let signature = 0
    const signed =
      (files: string[], more = {}): Answer =>
      (asked, response) => {
        signature += 1
        reply(
          200,
          {},
          page(
            files.map((each) => `${each}?sig=${signature}`),
            more,
          ),
        )(asked, response)
      }
    const { pages, read: again } = await read((server) =>
      server.on('GET /status', signed(['a', 'b'], next('/2'))).on('GET /2', signed(['c'])),
    )
    expect(names(await pages())).toEqual([['0 a?sig=1', '1 b?sig=1'], ['2 c?sig=2']])
    expect(names([await again()])).toEqual([['0 a?sig=3', '1 b?sig=3', '2 c?sig=4']])
  })

  test('gives all pages as one, which expires with the first of them', async () => {
    const expires = (day: number): Record<string, string> => ({ Expires: `Sun, ${day} Nov 2026 10:00:00 GMT` })
    const { read: again } = await read((server) =>
      server
        .on('GET /status', reply(202, expires(22), page(['a'], { ...next('/2'), requiresAccessToken: false })))
        .on('GET /2', reply(200, expires(23), page(['b']))),
    )
    const manifest = await again()
    expect(names([manifest])).toEqual([['0 a', '1 b']])
    expect(manifest).toMatchObject({ requiresAccessToken: true, expires: new Date('2026-11-22T10:00:00Z') })
    expect(manifest.next).toBeUndefined()
  })

  describe('knows the files it listed before', () => {
    /** `type` of null: the ledger does not know it. */
    const again = async (status: number, listed: [name: string, type: string | null][], list: object[]) => {
      const { server, client } = await scripted((each) =>
        each.on('GET /status', reply(status, {}, { ...MANIFEST, output: list })),
      )
      const before = listed.map(([name, type], ordinal) => {
        return { kind: 'output' as const, ordinal, type, url: `${server.origin}/files/${name}` }
      })
      return names([await client.readManifest(`${server.origin}/status`, signal, before)])[0]
    }
    const patients = (...list: string[]) => list.map((name) => file(name))

    test('by type and URL but for its signature, in whatever order they come, and gives new ones new places', async () => {
      const before: [string, string | null][] = [
        ['a?sig=1', 'patient'],
        ['b?sig=1', 'patient'],
        ['c?sig=1', null],
      ]
      expect(await again(200, before, patients('n?sig=2', 'c?sig=2', 'b?sig=2', 'a?sig=2'))).toEqual([
        '3 n?sig=2',
        '2 c?sig=2',
        '1 b?sig=2',
        '0 a?sig=2',
      ])
    })

    test('by the type alone where no other file has it, then and now, of a manifest that is done', async () => {
      const before: [string, string][] = [
        ['1/p', 'patient'],
        ['1/g', 'Group'],
      ]
      const now = [file('2/g', 'Group'), file('2/p')]
      expect(await again(200, before, now)).toEqual(['1 g', '0 p'])
      expect(await again(202, before, now)).toEqual(['2 g', '3 p'])
      expect(await again(200, before, [...now, file('2/q')])).toEqual(['1 g', '3 p', '4 q'])
      expect(await again(200, [...before, ['1/q', 'Patient']], now)).toEqual(['1 g', '4 p'])
    })

    test.each([
      ['paths', '1/x', '1/y', '2/x', '2/y'],
      ['queries', 'f?t=x1', 'f?t=y1', 'f?t=x2', 'f?t=y2'],
      ['signatures', 'f?sig=x1', 'f?sig=y1', 'f?sig=x2', 'f?sig=y2'],
    ])('or not at all: of two whose %s are other ones nobody can tell which is which', async (_, x1, y1, x2, y2) => {
      const before: [string, string][] = [
        [x1, 'Patient'],
        [y1, 'Patient'],
      ]
      const places = (await again(200, before, patients(y2, x2)))!.map((each) => each.slice(0, 1))
      expect(places).toEqual(['2', '3'])
    })
  })

  test('gives what is there of an export that goes on', async () => {
    const { read: again, server } = await read((each) =>
      each.on('GET /status', reply(202, {}, page(['a'], next('/2')))).on('GET /2', reply(202)),
    )
    expect(names([await again()])).toEqual([['0 a']])
    expect(server.asked.length).toBe(2)
  })

  test('is BULK_NOT_READY, retryable, where there is nothing yet', async () => {
    const { read: again } = await read((server) => server.on('GET /status', reply(202)))
    expect(await failureOf(again())).toMatchObject({ code: 'BULK_NOT_READY', retryable: true })
  })

  test('is BULK_EXPORT_GONE where the server has forgotten it', async () => {
    const { read: again } = await read((server) => server.on('GET /status', reply(404)))
    expect((await failureOf(again())).code).toBe('BULK_EXPORT_GONE')
  })
})

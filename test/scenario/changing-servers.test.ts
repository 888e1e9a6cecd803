/** Servers that change under a source: their clock, their place, their files. The tables end as one full load would. */
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DemoBehaviour } from '../../src/demo/behaviour.ts'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import { FastClock } from '../bulk/fast-clock.ts'
import { reply, startOddityServer, type OddityServer } from '../bulk/oddity-server.ts'
import { alive, heldTypes, OpenLake, served } from './open-lake.ts'

const SOURCE = 'level: system\nauth: {kind: none}\ntypes: [Patient, Condition]\n'
const HOUR_MS = 3_600_000

async function start(clock: FastClock, behaviour: Partial<DemoBehaviour> = {}, patients = 3): Promise<DemoServer> {
  const plain = { pollsBeforeDone: 0, callsPerMinute: 0 }
  const server = await startDemoServer({ patients, seed: 4, clock, behaviour: { ...plain, ...behaviour } })
  onTestFinished(() => server.stop())
  return server
}

const patients = (...ids: string[]) => ids.map((id) => `{"resourceType":"Patient","id":"${id}"}\n`).join('')

/** Each text under its path, from now on. */
function serve(server: OddityServer, texts: Record<string, string>): void {
  for (const [path, text] of Object.entries(texts)) server.on(`GET ${path}`, reply(200, {}, text))
}

describe("a server's clock that is set back", () => {
  test('holds the types, which the next run asks for wholly', async () => {
    const clock = new FastClock()
    const server = await start(clock)
    const lake = await OpenLake.make(server.baseUrl, clock)
    await lake.sync(SOURCE)
    clock.pass(-HOUR_MS)
    const [first] = [...server.store.versions(['Patient'])]
    server.store.remove('Patient', first!.id)
    const outcome = await lake.sync(SOURCE)
    expect(heldTypes(outcome)).toEqual(['Condition', 'Patient'])
    expect((await lake.sync(SOURCE)).mode).toBe('full')
    expect(await alive(lake)).toEqual(served(server))
    const last = await lake.sync(SOURCE)
    expect([last.mode, heldTypes(last)]).toEqual(['incremental', []])
  })
})

describe('another server in the place of the first', () => {
  test('has the last word, though its clock is behind', async () => {
    const clock = new FastClock()
    const first = await start(clock, {}, 5)
    const lake = await OpenLake.make(first.baseUrl, clock)
    await lake.sync(SOURCE)
    clock.pass(-24 * HOUR_MS)
    const second = await start(clock, {}, 3)
    lake.baseUrl = second.baseUrl
    await lake.sync(SOURCE)
    expect(await alive(lake)).toEqual(served(second))
  })
})

describe('a published manifest', () => {
  const INSTANT = '2026-11-20T00:00:00Z'
  const deletion = (url: string) =>
    `{"resourceType":"Bundle","entry":[{"request":{"method":"DELETE","url":"${url}"}}]}\n`

  const page = (facts: object) => JSON.stringify({ transactionTime: INSTANT, requiresAccessToken: false, ...facts })
  const output = (...names: string[]) => ({ output: names.map((name) => ({ type: 'Patient', url: `/${name}` })) })
  const next = (url: string) => ({ link: [{ relation: 'next', url }] })
  const sourceAt = (server: OddityServer) =>
    `level: published\nmanifestUrl: ${server.origin}/manifest\nauth: {kind: none}\ntypes: [Patient]\n`

  test('is read page after page: the later one tells what became of what the earlier has', async () => {
    const server = await startOddityServer()
    serve(server, {
      '/manifest': page({ ...output('one'), ...next('/second') }),
      '/second': page({ deleted: [{ url: '/gone' }], ...next('/third') }),
      '/third': page(output('again')),
      '/one': patients('a', 'b', 'c'),
      '/gone': deletion('Patient/a') + deletion('Patient/b'),
      '/again': patients('b'),
    })
    const lake = await OpenLake.make(server.origin)
    await lake.sync(sourceAt(server))
    expect(await alive(lake)).toEqual(['Patient/b', 'Patient/c'])
    serve(server, {
      '/third': page({ ...output('again'), ...next('/fourth') }),
      '/fourth': page({ deleted: [{ url: '/gone' }] }),
    })
    await lake.sync(sourceAt(server))
    expect(await alive(lake)).toEqual(['Patient/c'])
  })

  test('that changed while nobody ran is read anew: files that are no more are not waited for', async () => {
    const server = await startOddityServer()
    serve(server, { '/manifest': page(output('one', 'two')), '/one': patients('a') })
    const lake = await OpenLake.make(server.origin)
    lake.onEvent = ({ kind }) => {
      if (kind === 'listed') throw new Error('killed')
    }
    await expect(lake.sync(sourceAt(server))).rejects.toThrow('killed')
    lake.onEvent = () => undefined
    serve(server, { '/manifest': page(output('three')), '/three': patients('b') })
    const outcome = await lake.sync(sourceAt(server))
    expect([outcome.resumed, await alive(lake), heldTypes(outcome)]).toEqual([true, ['Patient/b'], []])
  })
})

describe('a type that is taken out of the configuration', () => {
  test('stays as it was, which is said, and catches up when it comes back', async () => {
    const clock = new FastClock()
    const server = await start(clock)
    const lake = await OpenLake.make(server.baseUrl, clock)
    await lake.sync(SOURCE)
    const [condition] = [...server.store.versions(['Condition'])]
    server.store.remove('Condition', condition!.id)
    const before = await alive(lake)
    await lake.sync(SOURCE.replace(', Condition', ''))
    expect(await alive(lake)).toEqual(before)
    const notes = lake.events.flatMap((event) => (event.kind === 'note' ? [event.text] : []))
    expect(notes).toEqual([expect.stringMatching(/no longer among .*: Condition$/)])
    await lake.sync(SOURCE)
    expect(await alive(lake)).toEqual(served(server))
  })
})

describe('files that can never be had', () => {
  test('are given up in the third run, however many there are of them', async () => {
    const clock = new FastClock()
    const server = await start(clock, { maxLinesPerFile: 1, fileFailures: { status: 500, times: 1000 } }, 6)
    const lake = await OpenLake.make(server.baseUrl, clock)
    const types = SOURCE.replace(', Condition', '')
    await expect(lake.sync(types)).rejects.toMatchObject({ code: 'BULK_BUSY' })
    await expect(lake.sync(types)).rejects.toMatchObject({ code: 'BULK_BUSY' })
    // The third gives them up, and asks for another export at once.
    await expect(lake.sync(types)).rejects.toMatchObject({ code: 'BULK_BUSY' })
    expect(await lake.rows('SELECT run, state, error_code FROM stoker.run ORDER BY run')).toEqual([
      { run: 1, state: 'failed', error_code: 'RUN_NOTHING_LOADED' },
      { run: 2, state: 'open', error_code: 'BULK_BUSY' },
    ])
    server.behaviour = { ...server.behaviour, fileFailures: null }
    await lake.sync(types)
    expect(await alive(lake)).toHaveLength(6)
  })
})

describe('a run that is given up', () => {
  test('is never gone on with, though the process ends before all is cleared away', async () => {
    const clock = new FastClock()
    const server = await start(clock)
    const lake = await OpenLake.make(server.baseUrl, clock)
    await lake.sync(SOURCE)
    await lake.rows(`UPDATE stoker.run SET state = 'abandoned' WHERE run = 1`)
    await lake.rows(`DELETE FROM stoker.watermark`)
    const outcome = await lake.sync(SOURCE)
    expect([outcome.run, outcome.resumed]).toEqual([2, false])
    expect(await lake.rows('SELECT run, state FROM stoker.run ORDER BY run')).toEqual([
      { run: 1, state: 'failed' },
      { run: 2, state: 'done' },
    ])
    expect(await alive(lake)).toEqual(served(server))
  })

  test('for the server forgot its export, is followed by another at once', async () => {
    const server = await startOddityServer()
    const manifest = {
      transactionTime: '2026-11-20T00:00:00Z',
      output: [{ type: 'Patient', url: `${server.origin}/one` }],
    }
    server.on('GET /fhir/$export', reply(202, { 'content-location': `${server.origin}/first` }))
    server.on('GET /first', reply(202))
    const lake = await OpenLake.make(server.baseUrl.href)
    lake.onEvent = ({ kind }) => {
      if (kind === 'waiting') throw new Error('killed')
    }
    await expect(lake.sync(SOURCE)).rejects.toThrow('killed')
    lake.onEvent = () => undefined
    server
      .on(
        'GET /first',
        reply(404, {}, '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found"}]}'),
      )
      .on('GET /fhir/$export', reply(202, { 'content-location': `${server.origin}/second` }))
    serve(server, { '/second': JSON.stringify(manifest), '/one': patients('a') })
    const outcome = await lake.sync(SOURCE)
    expect([outcome.run, outcome.resumed, await alive(lake)]).toEqual([2, false, ['Patient/a']])
    expect(await lake.rows('SELECT run, state, error_code FROM stoker.run ORDER BY run')).toEqual([
      { run: 1, state: 'failed', error_code: 'BULK_EXPORT_GONE' },
      { run: 2, state: 'done', error_code: null },
    ])
  })

  test('one of whose exports ended before the process did is not committed without it', async () => {
    const clock = new FastClock()
    const server = await start(clock)
    const lake = await OpenLake.make(server.baseUrl, clock)
    lake.onEvent = ({ kind }) => {
      if (kind === 'listed') throw new Error('killed')
    }
    await expect(lake.sync(SOURCE)).rejects.toThrow('killed')
    lake.onEvent = () => undefined
    await lake.rows(`UPDATE stoker.export SET state = 'over'`)
    const outcome = await lake.sync(SOURCE)
    expect([outcome.run, await alive(lake)]).toEqual([2, served(server)])
  })
})

describe('a manifest that lists its files otherwise after a restart', () => {
  test('gives each of them once, the one put in front too', async () => {
    const server = await startOddityServer()
    const manifest = (...names: string[]) =>
      JSON.stringify({
        transactionTime: '2026-11-20T00:00:00Z',
        requiresAccessToken: false,
        output: names.map((name) => ({ type: 'Patient', url: `${server.origin}/${name}` })),
      })
    serve(server, { '/a': patients('a'), '/b': patients('b'), '/c': patients('c') })
    const kickOff = reply(202, { 'content-location': `${server.origin}/status` })
    server.on('GET /fhir/$export', kickOff).on('GET /status', reply(202, {}, manifest('a', 'b')))
    const lake = await OpenLake.make(server.baseUrl.href)
    lake.onEvent = ({ kind }) => {
      if (kind === 'waiting') throw new Error('killed')
    }
    const source = `${SOURCE.replace(', Condition', '')}allowPartialManifests: true\n`
    await expect(lake.sync(source)).rejects.toThrow('killed')
    lake.onEvent = () => undefined
    serve(server, { '/status': manifest('c', 'b', 'a') })
    await lake.sync(source)
    expect(await alive(lake)).toEqual(['Patient/a', 'Patient/b', 'Patient/c'])
    expect(await lake.rows('SELECT count(*) AS n FROM stoker.file')).toEqual([{ n: 3 }])
  })
})

describe('an export of odd files', () => {
  /** An export of these files, each with its lines, and the types they are listed under. */
  async function exporting(files: Record<string, string>, listed: readonly (readonly [type: string, name: string])[]) {
    const server = await startOddityServer()
    const manifest = JSON.stringify({
      transactionTime: '2026-11-20T00:00:00Z',
      requiresAccessToken: false,
      output: listed.map(([type, name]) => ({ type, url: `${server.origin}/${name}` })),
    })
    serve(server, Object.fromEntries(Object.entries(files).map(([name, text]) => [`/${name}`, text])))
    server.on('GET /fhir/$export', reply(202, { 'content-location': `${server.origin}/status` }))
    serve(server, { '/status': manifest })
    return server
  }
  const PATIENTS = SOURCE.replace(', Condition', '')

  test.each([
    [
      [
        ['Device', 'all'],
        ['Patient', 'all'],
      ],
    ],
    [[['Resource', 'all']]],
    [
      [
        ['Patient', 'all'],
        ['Patient', 'all'],
      ],
    ],
  ] as const)('one file with all types in it, listed as %j, is loaded', async (listed) => {
    const server = await exporting({ all: `{"resourceType":"Device","id":"d"}\n${patients('a', 'b')}` }, listed)
    const lake = await OpenLake.make(server.baseUrl.href)
    await lake.sync(PATIENTS, true)
    await lake.sync(PATIENTS, true)
    expect(await alive(lake)).toEqual(['Patient/a', 'Patient/b'])
  })

  test('a value of a wrong shape is missing in the table, and counted for its view, column and run', async () => {
    const odd = '{"resourceType":"Patient","id":"c","birthDate":"unknown","address":"nowhere"}\n'
    const server = await exporting({ one: patients('a') + odd }, [['Patient', 'one']])
    const lake = await OpenLake.make(server.baseUrl.href)
    const { books } = await lake.sync(PATIENTS)
    const born = { view_table: 'patient', column_name: 'birth_date', element: null, wanted: 'dates', count: 1 }
    expect(books.losses).toContainEqual(born)
    expect(books.losses.filter(({ element }) => element === 'address').length).toBeGreaterThan(1)
    expect(await lake.rows('FROM stoker.run_loss')).toContainEqual({ run: 1, ...born })
    expect(await lake.rows('SELECT id FROM patient WHERE birth_date IS NULL ORDER BY id')).toHaveLength(2)
  })

  test('a damaged line anywhere holds its type; a line that can be no resource does not, and hides no deletion', async () => {
    const listed = [['Patient', 'one']] as const
    const server = await exporting({ one: patients('a', 'b') }, listed)
    const lake = await OpenLake.make(server.baseUrl.href)
    await lake.sync(PATIENTS, true)
    serve(server, { '/one': `{"resourceType":"Patient"}\n${patients('a')}` })
    expect(heldTypes(await lake.sync(PATIENTS, true))).toEqual([])
    expect(await alive(lake)).toEqual(['Patient/a'])
    serve(server, { '/one': `{"resourceType":"Patient","id":"c\n${patients('b')}` })
    expect(heldTypes(await lake.sync(PATIENTS, true))).toEqual(['Patient'])
    expect(await alive(lake)).toEqual(['Patient/a', 'Patient/b'])
    serve(server, { '/one': patients('b', 'c') })
    expect((await lake.sync(PATIENTS)).mode).toBe('full')
    expect(await alive(lake)).toEqual(['Patient/b', 'Patient/c'])
  })
})

describe('a configuration that changes while a run is open', () => {
  /** A lake whose first run was killed when its files were listed. */
  async function killed(source: string, server: { readonly baseUrl: string }, clock?: FastClock): Promise<OpenLake> {
    const lake = await OpenLake.make(server.baseUrl, clock)
    lake.onEvent = ({ kind }) => {
      if (kind === 'listed') throw new Error('killed')
    }
    await expect(lake.sync(source)).rejects.toThrow('killed')
    lake.onEvent = () => undefined
    return lake
  }

  test('a type that is added is asked for at once, in a run after it', async () => {
    const clock = new FastClock()
    const server = await start(clock)
    const lake = await killed(SOURCE.replace(', Condition', ''), server, clock)
    const outcome = await lake.sync(SOURCE)
    expect([outcome.run, await alive(lake)]).toEqual([2, served(server)])
  })

  test('a manifest that others published is not deleted at the server', async () => {
    const server = await startOddityServer()
    const page = { transactionTime: '2026-11-20T00:00:00Z', output: [{ type: 'Patient', url: '/one' }] }
    serve(server, { '/manifest': JSON.stringify(page), '/one': patients('a') })
    const base = { baseUrl: server.baseUrl.href }
    const published = `level: published\nmanifestUrl: ${server.origin}/manifest\nauth: {kind: none}\ntypes: [Patient]\n`
    const lake = await killed(published, base)
    server.on('GET /fhir/$export', reply(400))
    await expect(lake.sync(SOURCE)).rejects.toThrow()
    expect(server.asked.filter(({ method }) => method === 'DELETE')).toEqual([])
  })
})

describe('a Group whose source changes', () => {
  const group = (more: string) => `level: group\ngroup: some\nauth: {kind: none}\n${more}\n`
  async function grouped() {
    const clock = new FastClock()
    const server = await start(clock)
    const ids = [...server.store.versions(['Patient'])].map(({ id }) => id)
    const setMembers = (...members: string[]) =>
      server.store.update({
        resourceType: 'Group',
        id: 'some',
        type: 'person',
        actual: true,
        member: members.map((id) => ({ entity: { reference: `Patient/${id}` } })),
      })
    const conditionsOf = (id: string) =>
      [...server.store.versions(['Condition'])].filter((each) => each.patients.includes(id)).length
    return { server, ids, setMembers, conditionsOf, lake: await OpenLake.make(server.baseUrl, clock) }
  }
  const conditions = async (lake: OpenLake) => (await alive(lake)).filter((key) => key.startsWith('Condition/')).length

  test('a type that was left out while somebody joined brings their history when it is back', async () => {
    const { ids, setMembers, conditionsOf, lake } = await grouped()
    const [a, b] = [ids[0]!, ids[1]!]
    setMembers(a)
    await lake.sync(group('types: [Patient, Condition]'))
    setMembers(a, b)
    await lake.sync(group('types: [Patient]'))
    await lake.sync(group('types: [Patient, Condition]'))
    expect(await conditions(lake)).toBe(conditionsOf(a) + conditionsOf(b))
  })

  test('patients of the whole server who never were in the Group do not stay with those who left it', async () => {
    const { server, ids, setMembers, lake } = await grouped()
    setMembers(ids[0]!)
    await lake.sync(SOURCE)
    await lake.sync(group('types: [Patient, Condition]\ngroupChanges: {leavers: keep}'))
    expect((await alive(lake)).filter((key) => key.startsWith('Patient/'))).toEqual([`Patient/${ids[0]}`])
    expect(served(server).length).toBeGreaterThan((await alive(lake)).length)
  })

  test('who left stays in a full run of which a file is lost, and the types come whole again', async () => {
    const { server, ids, setMembers, lake } = await grouped()
    const keep = group('types: [Patient, Condition]\ngroupChanges: {leavers: keep}')
    setMembers(ids[0]!, ids[1]!)
    await lake.sync(keep)
    setMembers(ids[0]!)
    const before = await alive(lake)
    const lines = (type: string) => [...server.store.versions([type])].length
    expect(lines('Condition')).toBeGreaterThan(0)
    server.behaviour = { ...server.behaviour, messages: [{ severity: 'error', code: 'processing', count: 1 }] }
    expect(heldTypes(await lake.sync(keep, true))).toEqual(['Condition', 'Patient'])
    expect(await alive(lake)).toEqual(before)
    server.behaviour = { ...server.behaviour, messages: [] }
    expect((await lake.sync(keep)).mode).toBe('full')
    expect(await alive(lake)).toEqual(before)
  })
})

/** The API over a real lake: what it answers is what its description says, and what was asked is done. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DemoServer } from '../../src/demo/server.ts'
import { AccessToken } from '../../src/http/access-token.ts'
import { httpApp } from '../../src/http/app.ts'
import { BrowserSessions } from '../../src/http/browser-sessions.ts'
import type { CohortDesk, CohortLine } from '../../src/http/cohort-desk.ts'
import { EventStream } from '../../src/http/event-stream.ts'
import { FailedTries } from '../../src/http/failed-tries.ts'
import { randomToken } from '../../src/http/access-token.ts'
import { Metrics } from '../../src/http/metrics.ts'
import { Hono } from 'hono'
import { departures, describedOperations, description } from './described.ts'
import { PAGES, serve, type Answer, type Served } from './http-fixture.ts'
import { SmallWorker } from './small-worker.ts'

const line: CohortLine = {
  cohort: 'diabetes',
  description: 'People with diabetes',
  snapshot: 2,
  ran_at: new Date(0),
  members: 2,
  entered: 1,
  left: 0,
  error_code: null,
  error_message: null,
}
const cohorts: CohortDesk = {
  list: async () => [line],
  show: async (name) =>
    name === 'diabetes'
      ? {
          ...line,
          sql: 'SELECT 1',
          parameters: { since: '2020' },
          runs: [{ ...line, snapshot: 2, ran_at: new Date(0) }].map(({ cohort: _c, description: _d, ...run }) => run),
        }
      : undefined,
  members: async (_name, { limit }) => [{ patient_key: 'field/Patient/1', entered: 1 }].slice(0, limit),
  diff: async (_name, { from = null, to = null }) => ({ from, to, entered: ['field/Patient/1'], left: [] }),
  run: async () => line,
}

let server: DemoServer
let worker: SmallWorker
let served: Served
let token = ''

/** Runs 1 and 2 of `field`, the second with changes; run 3 of `ward`, whose file the server does not have. */
beforeAll(async () => {
  worker = await SmallWorker.start(3)
  server = worker.server
  worker.trigger('field', { full: false })
  await worker.ended('field')
  await server.change({ percent: 40 })
  server.store.create({ resourceType: 'Patient' })
  worker.trigger('field', { full: false })
  await worker.ended('field')
  server.behaviour = { ...server.behaviour, fileFailures: { status: 404, times: 99, type: 'Patient' } }
  worker.trigger('ward', { full: false })
  await worker.ended('ward')
  server.behaviour = { ...server.behaviour, fileFailures: null }
  served = await serve({
    ...worker.deps(),
    cohorts,
    query: async () => ({ contentType: 'application/json', snapshot: 2, body: new Response('[]').body! }),
  })
  token = (JSON.parse(await readFile(join(worker.folder, 'lake', 'http.json'), 'utf8')) as { token: string }).token
})
afterAll(async () => {
  await served.stop()
  await worker.remove()
})
beforeEach(() => worker.ended('field'))

const asJson = { 'content-type': 'application/json' }
const signedIn = () => ({ authorization: `Bearer ${token}` })
const post = (path: string, body: object = {}, headers: Record<string, string> = {}) =>
  served.ask(path, { method: 'POST', headers: { ...asJson, ...headers }, body: JSON.stringify(body) })
const list = (answer: Answer, name: string) => answer.json![name] as Record<string, unknown>[]

describe('the description', () => {
  test('has every route, and every route is in it', () => {
    const deps = worker.deps()
    const events = new EventStream(worker, deps.clock)
    const app = httpApp(deps, {
      door: {
        isLoopback: true,
        token: new AccessToken(randomToken()),
        sessions: new BrowserSessions(deps.clock),
        tries: new FailedTries(deps.clock),
        cookie: 'c',
      },
      events,
      metrics: new Metrics(deps, events),
      pages: { ...PAGES, routes: new Hono() },
      stopping: new AbortController().signal,
    })
    const routes = app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    expect([...new Set(routes)].sort()).toEqual(describedOperations().sort())
  })

  test('is given to whoever asks, with the version that runs', async () => {
    const { json } = await served.ask('/openapi.json')
    expect(json).toEqual({ ...description, info: { ...description.info, version: '0.1.0' } })
  })

  test('asks for a token wherever there is content', () => {
    const content = [
      'POST /query',
      'POST /api/ledger',
      'GET /api/cohorts/{name}/members',
      'GET /api/cohorts/{name}/diff',
    ]
    for (const operation of describedOperations()) {
      const [method = '', path = ''] = operation.split(' ')
      const { security } = description.paths[path]![method.toLowerCase()]!
      const isOpen = security!.length === 0 || security!.some((way) => Object.keys(way).length === 0)
      expect(isOpen, operation).toBe(!content.includes(operation))
    }
  })

  test.each<[operation: string, path?: string]>([
    ['GET /healthz'],
    ['GET /readyz'],
    ['GET /metrics'],
    ['GET /openapi.json'],
    ['GET /api/worker'],
    ['GET /api/sources'],
    ['GET /api/sources/{name}', '/api/sources/field'],
    ['GET /api/sources/{name}', '/api/sources/ward'],
    ['GET /api/runs'],
    ['GET /api/runs', '/api/runs?source=field&limit=1'],
    ['GET /api/runs', '/api/runs?failed=true'],
    ['GET /api/runs', '/api/runs?limit=1&before=3'],
    ['GET /api/runs/{run}', '/api/runs/1'],
    ['GET /api/runs/{run}', '/api/runs/2?files=1'],
    ['GET /api/runs/{run}', '/api/runs/3'],
    ['GET /api/tables'],
    ['GET /api/tables/{name}', '/api/tables/patient'],
    ['GET /api/snapshots'],
    ['GET /api/watermarks'],
    ['GET /api/history', '/api/history?days=2'],
    ['GET /api/cohorts'],
    ['GET /api/cohorts/{name}', '/api/cohorts/diabetes'],
    ['GET /api/cohorts/{name}/members', '/api/cohorts/diabetes/members?limit=10'],
    ['GET /api/cohorts/{name}/diff', '/api/cohorts/diabetes/diff?from=1&to=2'],
  ])('says what %s answers', async (operation, path = operation.split(' ')[1]!) => {
    const answer = await served.ask(path, { headers: signedIn() })
    expect(answer.status, answer.text).toBe(200)
    expect(departures(operation, answer)).toEqual([])
  })

  test.each<[operation: string, path: string, body: object, status: number]>([
    ['POST /api/reload', '/api/reload', {}, 200],
    ['POST /api/sources/{name}/cancel', '/api/sources/ward/cancel', {}, 200],
    ['POST /api/cohorts/{name}/run', '/api/cohorts/diabetes/run', {}, 200],
    ['POST /api/ledger', '/api/ledger', { question: 'overview' }, 200],
    ['POST /query', '/query', { sql: 'SELECT 1' }, 200],
    ['POST /api/sources/{name}/sync', '/api/sources/fields/sync', {}, 404],
    ['POST /api/sources/{name}/sync', '/api/sources/field/sync', { full: 'yes' }, 400],
    ['POST /api/sources/{name}/sync', '/api/sources/field/sync', { fulll: true }, 400],
    ['POST /api/cohorts/{name}/run', '/api/cohorts/none/run', {}, 404],
    ['POST /query', '/query', { sql: ' ' }, 400],
    ['POST /query', '/query', { sql: 'SELECT 1', format: 'xml' }, 400],
    ['POST /query', '/query', { sql: 'SELECT 1', snapshot: -1 }, 400],
    ['POST /query', '/query', { sql: 'SELECT 1', living: true }, 200],
    ['POST /query', '/query', { sql: 'SELECT 1', living: 'yes' }, 400],
  ])('says what %s answers to %s with %j', async (operation, path, body, status) => {
    const answer = await post(path, body, signedIn())
    expect([answer.status, ...departures(operation, answer)], answer.text).toEqual([status])
  })

  test.each<[operation: string, path: string, status: number]>([
    ['GET /api/sources/{name}', '/api/sources/filed', 404],
    ['GET /api/sources/{name}', '/api/sources/%2e%2e%2f', 404],
    ['GET /api/runs', '/api/runs?limit=0', 400],
    ['GET /api/runs', '/api/runs?limit=1001', 400],
    ['GET /api/runs', '/api/runs?before=-1', 400],
    ['GET /api/runs', '/api/runs?limit=1e2', 400],
    ['GET /api/runs', '/api/runs?lmit=1', 400],
    ['GET /api/runs', '/api/runs?limit=1&limit=2', 400],
    ['GET /api/runs', '/api/runs?failed=perhaps', 400],
    ['GET /api/runs/{run}', '/api/runs/99', 404],
    ['GET /api/runs/{run}', '/api/runs/1%3B%20DROP%20TABLE%20stoker.run', 400],
    ['GET /api/tables/{name}', "/api/tables/patient'%20OR%20'1'='1", 404],
    ['GET /api/history', '/api/history?days=-1', 400],
    ['GET /api/cohorts/{name}', '/api/cohorts/none', 404],
  ])('says what %s answers to %s', async (operation, path, status) => {
    const answer = await served.ask(path)
    expect([answer.status, ...departures(operation, answer)]).toEqual([status])
    expect(Object.keys(answer.json!['error'] as object)).toEqual(['code', 'message', 'hint', 'retryable'])
  })

  test('a source that is misspelt is told with the one that was meant', async () => {
    const { json } = await served.ask('/api/sources/filed')
    expect(json).toMatchObject({ error: { code: 'SOURCE_UNKNOWN', hint: 'did you mean field? It has: field, ward' } })
  })

  test('another method is told which ones there are, an unknown address that it is none', async () => {
    const deleted = await served.ask('/api/runs/1', { method: 'DELETE' })
    expect([deleted.status, deleted.headers.allow]).toEqual([405, 'GET, HEAD'])
    expect(deleted.json).toMatchObject({ error: { code: 'HTTP_METHOD' } })
    expect((await served.ask('/query')).headers.allow).toBe('POST')
    expect(await served.ask('/api/nothing')).toMatchObject({ status: 404, json: { error: { code: 'HTTP_NOT_FOUND' } } })
    expect((await served.ask('/nothing', { headers: { accept: 'text/html' } })).text).toBe('<p>no such page</p>')
    expect((await served.ask('/api/runs', { method: 'HEAD' })).text).toBe('')
  })
})

describe('what is told', () => {
  test('a source has its freshness by the oldest of its types, its last run, and what went wrong', async () => {
    const [field, ward] = list(await served.ask('/api/sources'), 'sources')
    expect(field).toMatchObject({
      name: 'field',
      activity: 'idle',
      failures: 0,
      types: 2,
      last_run: { run: 2, state: 'done' },
    })
    expect(field!['freshness_seconds']).toBeGreaterThan(0)
    expect(Date.parse(String(field!['data_as_of']))).toBeLessThan(Date.now())
    expect(ward).toMatchObject({ data_as_of: null, freshness_seconds: null, last_run: { run: 3 } })
    expect(ward).toMatchObject({ failures: 1, error: { run: 3 } })
  })

  test('runs come newest first, those that failed alone where that is asked for', async () => {
    expect(list(await served.ask('/api/runs'), 'runs').map(({ run }) => run)).toEqual([3, 2, 1])
    expect(list(await served.ask('/api/runs?failed=true'), 'runs').map(({ run }) => run)).toEqual([3])
    expect(list(await served.ask('/api/runs?source=ward'), 'runs').map(({ run }) => run)).toEqual([3])
  })

  test('runs come in pages, each of those older than the last one of the page before', async () => {
    const page = async (query: string) => {
      const answer = await served.ask(`/api/runs?${query}`)
      return [list(answer, 'runs').map(({ run }) => run), answer.json!['next_before']]
    }
    expect(await page('limit=2')).toEqual([[3, 2], 2])
    expect(await page('limit=2&before=2')).toEqual([[1], null])
    expect(await page('limit=1&before=3')).toEqual([[2], 2])
    expect(await page('limit=3')).toEqual([[3, 2, 1], null])
    expect(await page('source=field&limit=1')).toEqual([[2], 2])
    expect(await page('before=1')).toEqual([[], null])
  })

  test('the files of a run come up to a limit, with how many there are', async () => {
    const { json } = await served.ask('/api/runs/1?files=1')
    expect([(json!['files'] as unknown[]).length, json!['files_total']]).toEqual([1, 2])
  })

  test('a table has the rows of the newest snapshot, the sizes of earlier ones, and what its columns mean', async () => {
    const { json } = await served.ask('/api/tables/patient')
    expect(json).toMatchObject({ name: 'patient', resource: 'Patient', rows: 4, changed_by_run: 2 })
    expect((json!['sizes'] as { rows: number }[]).map(({ rows }) => rows)).toEqual([4, 3])
    const columns = json!['columns'] as { name: string; description: string | null }[]
    expect(columns.find(({ name }) => name === '_run')?.description).toContain('stoker.run')
  })

  test('history has what each run changed, and how old the data was when it committed and right before', async () => {
    const { json } = await served.ask('/api/history')
    const [first, second, failed] = json!['runs'] as Record<string, number>[]
    expect(first).toMatchObject({ run: 1, updated: 0, deleted: 0, age_before_seconds: null })
    expect(first!.inserted).toBeGreaterThan(3)
    expect(second!.inserted).toBeGreaterThan(0)
    expect(second!.age_before_seconds!).toBeGreaterThanOrEqual(second!.age_seconds!)
    expect(failed).toMatchObject({ run: 3, data_as_of: null, age_seconds: null })
    expect((json!['snapshots'] as { snapshot: number }[]).map(({ snapshot }) => snapshot)).toEqual([1, 2])
  })
})

describe('probes', () => {
  test('a worker without a heartbeat is told to be dead', async () => {
    const { heartbeat } = worker
    worker.heartbeat = { ...heartbeat, at: new Date(Date.now() - 61_000) }
    expect(await served.ask('/healthz')).toMatchObject({ status: 503, json: { status: 'no heartbeat' } })
    worker.heartbeat = heartbeat
    worker.heartbeat = { ...heartbeat, at: new Date() }
    expect((await served.ask('/healthz')).status).toBe(200)
  })

  test('a worker whose database is shut, or that stops, takes no requests', async () => {
    const deps = worker.deps()
    const shut = await serve({ ...deps, ask: () => Promise.reject(new Error('shut')) })
    expect(await shut.ask('/readyz')).toMatchObject({ status: 503, json: { status: 'no database' } })
    expect((await shut.ask('/healthz')).status).toBe(200)
    expect(await shut.ask('/api/runs')).toMatchObject({ status: 500, json: { error: { code: 'INTERNAL' } } })
    worker.tell({ kind: 'stopping' })
    expect(await shut.ask('/readyz')).toMatchObject({ status: 503, json: { status: 'stopping' } })
    expect((await shut.ask('/api/worker')).json).toMatchObject({ stopping: true })
    await shut.stop()
  })
})

describe('what is asked for', () => {
  test('a source is brought up to date, once at a time', async () => {
    const answer = await post('/api/sources/field/sync', { full: true })
    expect(departures('POST /api/sources/{name}/sync', answer)).toEqual([])
    expect([answer.status, answer.json]).toMatchObject([202, { answer: 'queued' }])
    expect(await post('/api/sources/field/sync')).toMatchObject({ status: 202, json: { answer: 'already' } })
    await worker.ended('field')
    const [newest] = list(await served.ask('/api/runs?source=field'), 'runs')
    expect(newest).toMatchObject({ run: 4, mode: 'full', state: 'done' })
  })

  test('a run is cancelled, with its export at the server', async () => {
    server.behaviour = { ...server.behaviour, neverDone: true }
    const asked = new Promise<void>((resolve) => {
      worker.subscribe((event) => event.kind === 'run' && event.event.kind === 'waiting' && resolve())
    })
    await post('/api/sources/field/sync')
    await asked
    const answer = await post('/api/sources/field/cancel')
    expect([answer.status, answer.json, ...departures('POST /api/sources/{name}/cancel', answer)]).toEqual([
      200,
      { run: 5 },
    ])
    expect((await post('/api/sources/field/cancel')).json).toEqual({ run: null })
    expect(list(await served.ask('/api/runs?limit=1'), 'runs')).toMatchObject([{ run: 5, error_code: 'CANCELLED' }])
  })

  test('a configuration that is refused is told with the reason', async () => {
    worker.reloadAnswer = { kind: 'refused', code: 'CONFIG_INVALID', message: '1 mistake in stoker.yaml' }
    const answer = await post('/api/reload')
    expect([answer.json, ...departures('POST /api/reload', answer)]).toEqual([worker.reloadAnswer])
    const after = await served.ask('/api/worker')
    expect(after.json).toMatchObject({ last_reload: { ok: false, error: { code: 'CONFIG_INVALID' } } })
    expect(departures('GET /api/worker', after)).toEqual([])
  })
})

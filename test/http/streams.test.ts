/** Answers that flow: events of the worker, queries, and clients that leave, or do not read. */
import { request, type IncomingMessage } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/app/secret.ts'
import { workerEvents, type WorkerEvent } from '../../src/cli/worker-events.ts'
import { systemClock } from '../../src/core/clock.ts'
import { StokerError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { EventStream, LISTENERS_MAX } from '../../src/http/event-stream.ts'
import type { QueryRequest } from '../../src/analysis/query/query-request.ts'
import { QUERIES_MAX, type RunQuery } from '../../src/http/query-route.ts'
import { departuresFrom } from './described.ts'
import { LOOPBACK, serve, type Served } from './http-fixture.ts'
import { SmallWorker } from './small-worker.ts'

const TOKEN = 'a-token-of-the-configuration'

let worker: SmallWorker
beforeAll(async () => {
  worker = await SmallWorker.start()
})
afterAll(() => worker.remove())

const snapshot = (number: number) => ({ kind: 'cohorts', snapshot: number }) as const

describe('events', () => {
  const withStream = async (work: (stream: EventStream) => Promise<void>) => {
    const stream = new EventStream(worker, systemClock)
    const running = stream.run()
    try {
      await work(stream)
    } finally {
      stream.stop()
      await running
    }
  }
  const read = async (events: AsyncGenerator<WorkerEvent>, count: number) => {
    const found: WorkerEvent[] = []
    while (found.length < count) found.push((await events.next()).value as WorkerEvent)
    return found
  }

  test('begin with how things stand, and follow with what happens, each as it is described', async () => {
    const served = await serve(worker.deps())
    const answer = await fetch(`${served.url}/api/events`)
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const beside = await fetch(`${served.url}/api/events`)
    const events = workerEvents(answer.body!)
    expect(await read(events, 1)).toMatchObject([{ kind: 'hello', missed: false, sources: [{ name: 'field' }, {}] }])
    worker.trigger('field', { full: false })
    await worker.ended('field')
    const kinds: string[] = []
    for await (const event of events) {
      kinds.push(event.kind === 'run' ? `run ${event.event.kind}` : event.kind)
      if (event.kind === 'source' && event.state.activity === 'idle') break
    }
    expect(kinds.slice(0, 3)).toEqual(['source', 'source', 'run started'])
    expect(kinds).toContain('run landed')
    expect(kinds).toContain('published')
    await served.stop()
    const text = await beside.text()
    const values = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as unknown)
    expect(values.flatMap((value) => departuresFrom('Event', value))).toEqual([])
    expect(text).toContain('"waited_ms"')
  })

  test('that were missed come first for whoever names the last one he has', async () => {
    await withStream(async (stream) => {
      worker.tell(snapshot(1))
      const since = stream.lastId
      for (const number of [2, 3]) worker.tell(snapshot(number))
      const events = workerEvents(stream.listen(since))
      worker.tell(snapshot(4))
      expect(await read(events, 4)).toMatchObject([
        { kind: 'hello', missed: false, id: since },
        ...[2, 3, 4].map(snapshot),
      ])
    })
  })

  test.each(['other-1', 'nonsense', '', "1' OR 1=1", `${'9'.repeat(40)}-1`])(
    'a last one that nobody knows (%j) is told, and no more is asked of it',
    async (id) => {
      await withStream(async (stream) => {
        worker.tell(snapshot(1))
        expect(await read(workerEvents(stream.listen(id)), 1)).toMatchObject([{ kind: 'hello', missed: true }])
      })
    },
  )

  test('the oldest go, and who comes back for them is told that some were missed', async () => {
    await withStream(async (stream) => {
      worker.tell(snapshot(0))
      const since = stream.lastId
      for (let number = 1; number <= 2_001; number += 1) worker.tell(snapshot(number))
      expect(await read(workerEvents(stream.listen(since)), 1)).toMatchObject([{ missed: true }])
    })
  })

  test('who does not read is let go before much waits for him', async () => {
    await withStream(async (stream) => {
      stream.listen(undefined)
      const wide = { kind: 'published', source: 'x'.repeat(10_000), run: 1, snapshot: 1 } as const
      for (let i = 0; i < 100; i++) worker.tell(wide)
      expect(stream.listenerCount).toBe(1)
      for (let i = 0; i < 10; i++) worker.tell(wide)
      expect(stream.listenerCount).toBe(0)
    })
  })

  test('there are so many listeners at most; one that leaves makes room, and a worker that stops ends them all', async () => {
    const served = await serve(worker.deps())
    const before = worker.listenerCount
    const leaving = new AbortController()
    const open = (signal?: AbortSignal) => fetch(`${served.url}/api/events`, { ...(signal && { signal }) })
    const answers = [await open(leaving.signal)]
    while (answers.length < LISTENERS_MAX) answers.push(await open())
    expect(await served.ask('/api/events')).toMatchObject({
      status: 503,
      json: { error: { code: 'HTTP_TOO_MANY_LISTENERS' } },
    })
    leaving.abort()
    let again = await open()
    for (; again.status === 503; again = await open()) await delay(10)
    await served.stop()
    await Promise.all([...answers.slice(1), again].map((answer) => answer.text()))
    expect(worker.listenerCount).toBe(before - 2)
  })
})

describe('queries', () => {
  const serveQuery = (query: RunQuery, log?: Log) =>
    serve({ ...worker.deps(systemClock, log), query }, { ...LOOPBACK, token: new Secret(TOKEN) })
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
  const answer = (body: ReadableStream<Uint8Array>) => ({ contentType: 'text/csv', snapshot: 7, body })
  const send = (served: Served, read: (answer: IncomingMessage) => void) =>
    new Promise<void>((resolve) => {
      const sending = request(`${served.url}/query`, { method: 'POST', headers, agent: false }, read)
      sending.on('error', () => resolve()).on('close', () => resolve())
      sending.end('{"sql": "SELECT 1"}')
    })

  test.each([
    [undefined, 'json'],
    ['*/*', 'json'],
    ['text/csv', 'csv'],
    ['text/*', 'csv'],
    ['application/vnd.apache.arrow.stream', 'arrow'],
    ['application/vnd.apache.parquet;q=0.9, text/csv;q=0.1', 'parquet'],
    ['application/json;q=0, */*', 'csv'],
    ['text/html, application/xml', undefined],
  ])('Accept: %s is answered as %s', async (accept, format) => {
    const asked: QueryRequest[] = []
    const served = await serveQuery(async (each) => {
      asked.push(each)
      return answer(new Response('x').body!)
    })
    const sent = {
      method: 'POST',
      headers: { ...headers, accept },
      body: '{"sql": "SELECT 1", "snapshot": 3, "parameters": {"a": 1}}',
    }
    const { status, headers: answered } = await served.ask('/query', sent)
    await served.stop()
    if (format === undefined) return expect([status, asked]).toEqual([406, []])
    expect([status, answered['stoker-snapshot'], asked]).toEqual([
      200,
      '7',
      [{ sql: 'SELECT 1', parameters: { a: 1 }, format, snapshot: 3, living: false }],
    ])
  })

  test('who leaves ends the query, be it before its first row or among them', async () => {
    const ended: Promise<void>[] = []
    const untilAborted = (signal: AbortSignal) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    let isSlow = true
    let begun = () => undefined as void
    const served = await serveQuery(async (_asked, signal) => {
      const aborted = untilAborted(signal)
      ended.push(aborted)
      begun()
      if (isSlow) {
        await aborted
        throw signal.reason
      }
      return answer(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) }))
    })
    const waiting = new Promise<void>((resolve) => (begun = resolve))
    const leaving = request(`${served.url}/query`, { method: 'POST', headers, agent: false })
    leaving.on('error', () => undefined).end('{"sql": "SELECT 1"}')
    await waiting
    leaving.destroy()
    await ended[0]
    isSlow = false
    await send(served, (incoming) => incoming.once('data', () => incoming.destroy()))
    await ended[1]
    await served.stop()
  })

  test('an answer that fails on its way ends without its end, and says nothing of why but in the log, by its code', async () => {
    const logged: unknown[] = []
    const write = (facts: object, message: string) => void logged.push([facts, message])
    const log = { trace() {}, debug() {}, info() {}, warn: write, error: write }
    const failing = (first: string | undefined) =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          if (first === undefined) throw new Error('the value 1957-03-02 of a patient')
          controller.enqueue(new TextEncoder().encode(first))
          first = undefined
        },
      })
    const served = await serveQuery(async ({ sql }) => answer(failing(sql === 'late' ? 'a,b\n' : undefined)), log)
    const early = await served.ask('/query', { method: 'POST', headers, body: '{"sql": "early"}' })
    expect([early.status, early.json]).toMatchObject([500, { error: { code: 'INTERNAL' } }])
    await expect(served.ask('/query', { method: 'POST', headers, body: '{"sql": "late"}' })).rejects.toThrow('aborted')
    await served.stop()
    expect(JSON.stringify(logged)).not.toContain('1957')
    expect(logged).toContainEqual([{ code: 'INTERNAL' }, 'a query failed in its answer'])
  })

  test("the asker's mistake is told to him in full, and goes into no log", async () => {
    const logged: unknown[] = []
    const write = (...said: unknown[]) => void logged.push(said)
    const log = { trace() {}, debug() {}, info() {}, warn: write, error: write }
    const refused = new StokerError('QUERY_FAILED', 'Binder Error: no column "diagnosis"', { hint: 'DESCRIBE patient' })
    const served = await serveQuery(() => Promise.reject(refused), log)
    const { status, json } = await served.ask('/query', { method: 'POST', headers, body: '{"sql": "x"}' })
    expect([status, json]).toEqual([
      400,
      { error: { code: 'QUERY_FAILED', message: refused.message, hint: 'DESCRIBE patient', retryable: false } },
    ])
    await served.stop()
    expect(logged).toEqual([])
  })

  test('so many run at the same time at most, and each that is over makes room', async () => {
    const release: (() => void)[] = []
    const served = await serveQuery(async () => {
      await new Promise<void>((resolve) => release.push(resolve))
      return answer(new Response('x').body!)
    })
    const sent = { method: 'POST', headers, body: '{"sql": "SELECT 1"}' }
    const under = Array.from({ length: QUERIES_MAX }, () => served.ask('/query', sent))
    while (release.length < QUERIES_MAX) await delay(5)
    expect(await served.ask('/query', sent)).toMatchObject({ status: 503, json: { error: { code: 'QUERY_BUSY' } } })
    for (const each of release) each()
    expect((await Promise.all(under)).map(({ status }) => status)).toEqual(under.map(() => 200))
    const next = served.ask('/query', sent)
    while (release.length <= QUERIES_MAX) await delay(5)
    release[QUERIES_MAX]!()
    expect((await next).status).toBe(200)
    await served.stop()
  })

  test('a worker that stops ends a query, and tells whoever waits for it', async () => {
    let begun = () => undefined as void
    const waiting = new Promise<void>((resolve) => (begun = resolve))
    const served = await serveQuery(
      (_asked, signal) =>
        new Promise((_resolve, reject) => {
          begun()
          signal.addEventListener('abort', () => reject(signal.reason as Error))
        }),
    )
    const asked = served.ask('/query', { method: 'POST', headers, body: '{"sql": "SELECT 1"}' })
    await waiting
    await served.stop()
    expect(await asked).toMatchObject({ status: 503, json: { error: { code: 'WORKER_STOPPING', retryable: true } } })
  })
})

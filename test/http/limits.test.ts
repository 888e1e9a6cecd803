/** What a client may not do to the worker: huge bodies, slow requests, many connections; and the way it opens and closes. */
import { access } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/app/secret.ts'
import { systemClock } from '../../src/core/clock.ts'
import { silentLog } from '../../src/core/log.ts'
import { httpTask } from '../../src/http/http-task.ts'
import { LOOPBACK, PAGES, serve, type Served } from './http-fixture.ts'
import { SmallWorker } from './small-worker.ts'

const TOKEN = 'a-token-of-the-configuration'
const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }

let worker: SmallWorker
let served: Served
/** Lines in the log. */
let errors = 0
beforeAll(async () => {
  worker = await SmallWorker.start()
})
afterAll(() => worker.remove())
beforeEach(async () => {
  const query = async ({ sql }: { sql: string }) => {
    return { contentType: 'text/csv', snapshot: 1, body: new Response(String(sql.length)).body! }
  }
  errors = 0
  const log = { ...silentLog, error: () => void (errors += 1) }
  served = await serve(
    { ...worker.deps(systemClock, log), query },
    { ...LOOPBACK, token: new Secret(TOKEN) },
    { headersMs: 300, requestMs: 600 },
  )
})
afterEach(() => served.stop())

/** Everything that comes back for bytes as they are written. */
function raw(text: string, more?: (write: (piece: string) => void) => void): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(served.port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('utf8').on('data', (piece: string) => (answer += piece))
    socket.on('error', () => undefined).on('close', () => resolve(answer))
    socket.write(text)
    more?.((piece) => socket.write(piece))
  })
}

describe('a body', () => {
  test.each([
    ['/api/sources/field/sync', 64 << 10],
    ['/api/ledger', 64 << 10],
    ['/query', 1 << 20],
    ['/login', 8 << 10],
    ['/sources/field/sync', 64 << 10],
  ])('for %s of more than %d bytes is refused, whether it says so or not', async (path, bytes) => {
    const type =
      path.startsWith('/api') || path === '/query' ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
    const body = `{"sql":"${'x'.repeat(bytes)}"}`
    for (const length of [{ 'content-length': String(body.length) }, { 'transfer-encoding': 'chunked' }]) {
      const { status, json } = await served.ask(path, {
        method: 'POST',
        headers: { ...headers, ...type, ...length },
        body,
      })
      expect([status, json]).toMatchObject([413, { error: { code: 'HTTP_TOO_LARGE' } }])
    }
  })

  test('that only says it is huge is not waited for', async () => {
    const head = `POST /query HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n`
    expect(await raw(head)).toMatch(/^HTTP\/1.1 413 /)
  })

  test.each([
    ['{', 400, 'HTTP_BAD_REQUEST'],
    ['[]', 400, 'HTTP_BAD_REQUEST'],
    ['null', 400, 'HTTP_BAD_REQUEST'],
    ['{"sql": 1}', 400, 'HTTP_BAD_REQUEST'],
    ['{"sql": "SELECT $a", "parameters": {"a": []}}', 400, 'HTTP_BAD_REQUEST'],
    ['{"sql": "SELECT 1", "file": "/etc/passwd"}', 400, 'HTTP_BAD_REQUEST'],
    [new Uint8Array([0x22, 0xff, 0x22]), 400, 'HTTP_BAD_REQUEST'],
  ])('of %j is refused', async (body, status, code) => {
    expect(await served.ask('/query', { method: 'POST', headers, body })).toMatchObject({
      status,
      json: { error: { code } },
    })
  })

  test('of another type is refused: a form of another site can send no JSON', async () => {
    const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
    const sent = { method: 'POST', headers: form, body: '{"full": true}' }
    expect(await served.ask('/api/sources/field/sync', sent)).toMatchObject({ status: 415 })
    expect(await served.ask('/login', { method: 'POST', headers, body: '{}' })).toMatchObject({ status: 415 })
  })

  test('of SQL as text is taken', async () => {
    const sent = {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/sql; charset=utf-8' },
      body: 'SELECT 1',
    }
    expect((await served.ask('/query', sent)).text).toBe('8')
  })
})

describe('a question to the ledger', () => {
  test.each([
    [{}],
    [{ question: 'constructor' }],
    [{ question: '__proto__' }],
    [{ question: 'SELECT * FROM patient' }],
    [{ question: 'run', run: '1; DROP TABLE stoker.run' }],
    [{ question: 'run', run: 1.5 }],
    [{ question: 'run', run: -1 }],
    [{ question: 'run' }],
    [{ question: 'runs', limit: 1e9 }],
    [{ question: 'runs', limit: 1, sources: 'field' }],
    [{ question: 'runs', limit: 1, sources: [{}] }],
    [{ question: 'sources', limit: 1 }],
    [{ question: 'rows', table: 'patient', source: 'a', type: 'b' }],
    [{ question: 'versions', table: 'patient', source: 'a', type: 'b', id: 'x'.repeat(1_001) }],
    [{ question: 'rawPath', file: '../../etc/passwd' }],
  ])('%j is refused', async (body) => {
    const { status, json } = await served.ask('/api/ledger', { method: 'POST', headers, body: JSON.stringify(body) })
    expect([status, json]).toMatchObject([400, { error: { code: 'HTTP_BAD_REQUEST' } }])
  })

  test.each([
    [
      {
        question: 'rows',
        table: "patient\" UNION SELECT content FROM read_text('/etc/passwd') --",
        source: 'a',
        type: 'b',
        id: 'c',
      },
      0,
    ],
    [{ question: 'rows', table: 'resource', source: 'a', type: 'b', id: 'c' }, 0],
    [{ question: 'runs', limit: 5, sources: ["' OR 1=1 --"] }, []],
    [{ question: 'versions', table: 'patient', source: "'", type: "' OR true --", id: '"' }, []],
    [{ question: 'sourcesOf', table: "x'", type: "Patient' OR '1'='1", id: "'" }, []],
    [{ question: 'rawPath', file: 1 }, null],
  ])('%j reads nothing it should not', async (body, answer) => {
    const { status, json } = await served.ask('/api/ledger', { method: 'POST', headers, body: JSON.stringify(body) })
    expect([status, json]).toEqual([200, { answer }])
  })
})

describe('a client', () => {
  test('that sends its headers too slowly is sent away', async () => {
    expect(await raw('GET /api/worker HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ')).toMatch(/^HTTP\/1.1 408 /)
  })

  test('that sends its body too slowly is sent away', async () => {
    const head = `POST /query HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{`
    expect(await raw(head)).not.toContain('200')
    expect(errors).toBe(0)
  })

  test('that breaks off, whether its length is known or not, is no failure of the worker', async () => {
    const head = `POST /query HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\n`
    for (const rest of [
      'Content-Length: 50\r\n\r\n{',
      'Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n',
      'Transfer-Encoding: chunked\r\n\r\nxyz\r\n',
    ]) {
      const socket = connect(served.port, '127.0.0.1')
      socket.on('error', () => undefined)
      await new Promise<void>((resolve) => socket.write(head + rest, () => resolve()))
      await served.ask('/healthz')
      socket.destroy()
    }
    await served.stop()
    expect(errors).toBe(0)
  })

  test('with headers of many kilobytes is refused', async () => {
    expect(await raw(`GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1.1 431 /,
    )
  })

  test.each([
    'GET / HTTP/1.0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    'NONSENSE\r\n\r\n',
    'GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
  ])('that asks %j is told no', async (text) => {
    expect(await raw(text)).toMatch(/^(HTTP\/1.1 4\d\d |$)|^HTTP\/1.1 200 OK[^]*signed in: false/)
    expect(await raw(text)).not.toContain('signed in: true')
  })
})

describe('the server', () => {
  test('that finds its port taken says so, with the way out, and leaves the other one its file', async () => {
    const task = httpTask(worker.deps(), { ...LOOPBACK, port: served.port }, PAGES)
    const error = { code: 'HTTP_PORT_TAKEN', message: `port ${served.port} of 127.0.0.1 is in use by another program` }
    await expect(task.run()).rejects.toMatchObject(error)
    await expect(task.listening).rejects.toMatchObject(error)
    await expect(access(join(worker.folder, 'lake', 'http.json'))).resolves.toBeUndefined()
  })

  test('that is given an address of another machine says so', async () => {
    const task = httpTask(worker.deps(), { ...LOOPBACK, host: '192.0.2.1' }, PAGES)
    await expect(task.run()).rejects.toMatchObject({ code: 'HTTP_ADDRESS' })
  })

  test('that is stopped before it begins, or twice, ends', async () => {
    const task = httpTask(worker.deps(), LOOPBACK, PAGES)
    await task.stop()
    await task.run()
    await expect(task.listening).rejects.toMatchObject({ code: 'HTTP_STOPPED' })
    await Promise.all([served.stop(), served.stop()])
    await served.ended
    await expect(served.ask('/')).rejects.toThrow('ECONNREFUSED')
  })

  test('that stops does not wait for a client that keeps its connection, or sends half a request', async () => {
    const half = raw('POST /api/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{')
    await served.ask('/api/worker')
    await served.stop()
    await half
  })
})

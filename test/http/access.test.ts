/** Who may ask what: hosts, origins, tokens, cookies, and those who try. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/app/secret.ts'
import type { RunQuery } from '../../src/http/query-route.ts'
import { FastClock } from '../bulk/fast-clock.ts'
import { LOOPBACK, serve, type Served } from './http-fixture.ts'
import { SmallWorker } from './small-worker.ts'

const TOKEN = 'a-token-of-the-configuration'
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const asForm = { 'content-type': 'application/x-www-form-urlencoded' }

const query: RunQuery = async ({ sql }) => ({
  contentType: 'application/json',
  snapshot: 1,
  body: new Response(JSON.stringify({ sql })).body!,
})

let worker: SmallWorker
beforeAll(async () => {
  worker = await SmallWorker.start()
})
afterAll(() => worker.remove())

async function withServer(
  options: { beyond?: boolean; clock?: FastClock; token?: string },
  work: (served: Served) => Promise<void>,
): Promise<void> {
  const { beyond = false, token, clock } = options
  const secret = beyond ? new Secret(TOKEN) : token === undefined ? undefined : new Secret(token)
  // A name for loopback that is configured like any other address: what counts is what the configuration says.
  const deps = { ...worker.deps(), query }
  const served = await serve(
    clock === undefined
      ? deps
      : {
          ...deps,
          clock: { now: () => clock.now(), sleep: (ms: number, signal?: AbortSignal) => deps.clock.sleep(ms, signal) },
        },
    { ...LOOPBACK, isLoopback: !beyond, token: secret },
  )
  try {
    await work(served)
  } finally {
    await served.stop()
  }
}

const tokenOf = async () =>
  (JSON.parse(await readFile(join(worker.folder, 'lake', 'http.json'), 'utf8')) as { token: string }).token

describe('on loopback', () => {
  test('pages and the API are open, with headers that let no page do anything but ours', async () => {
    await withServer({}, async ({ ask }) => {
      for (const path of ['/', '/api/sources', '/healthz', '/metrics', '/nothing', '/api/nothing']) {
        const { headers } = await ask(path)
        expect(headers['content-security-policy']).toBe(
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        )
        expect(headers).toMatchObject({
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'same-origin',
          'cache-control': 'no-store',
          'cross-origin-resource-policy': 'same-origin',
        })
        expect(headers['access-control-allow-origin']).toBeUndefined()
      }
      expect((await ask('/api/sources')).status).toBe(200)
    })
  })

  test.each([
    'evil.example',
    'evil.example:8650',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '169.254.169.254',
    '0.0.0.0',
    '',
  ])('a Host header of %j is refused, for a page elsewhere may have given its own name our address', async (host) => {
    await withServer({}, async ({ ask }) => {
      const { status, json } = await ask('/api/sources', { headers: { host } })
      expect([400, 421]).toContain(status)
      expect(json?.['sources']).toBeUndefined()
      const posted = await ask('/api/sources/field/sync', { method: 'POST', headers: { host } })
      expect([400, 421]).toContain(posted.status)
    })
  })

  test.each(['127.0.0.1:1', 'localhost', 'LOCALHOST:8650', 'stoker.localhost', '[::1]:8650', '127.1.2.3'])(
    'a Host header of %j is this machine, by whichever port',
    async (host) => {
      await withServer({}, async ({ ask }) => {
        expect((await ask('/api/worker', { headers: { host } })).status).toBe(200)
      })
    },
  )

  test.each([
    [{ origin: 'https://evil.example' }],
    [{ origin: 'null' }],
    [{ origin: 'http://127.0.0.1:1' }],
    [{ 'sec-fetch-site': 'cross-site' }],
    [{ 'sec-fetch-site': 'same-site' }],
  ])("a POST of another site's page is refused: %j", async (headers) => {
    await withServer({}, async ({ ask }) => {
      for (const path of ['/api/reload', '/api/sources/field/sync', '/login', '/logout', '/sources/field/sync']) {
        expect(await ask(path, { method: 'POST', headers: { ...asForm, ...headers }, body: 'back=/' })).toMatchObject({
          status: 403,
          json: { error: { code: 'HTTP_FOREIGN_SITE' } },
        })
      }
    })
  })

  test('a POST of a page of ours, or of a program, is taken', async () => {
    await withServer({}, async ({ ask, url }) => {
      for (const headers of [{}, { origin: url }, { 'sec-fetch-site': 'same-origin', origin: url }]) {
        expect((await ask('/api/reload', { method: 'POST', headers })).status).toBe(200)
        const form = { method: 'POST', headers: { ...asForm, ...headers }, body: 'back=/here' }
        expect((await ask('/sources/field/sync', form)).text).toBe('/here')
      }
    })
  })

  test("another site's page embeds nothing; a link to us may be followed", async () => {
    await withServer({}, async ({ ask }) => {
      const embedded = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }
      expect((await ask('/api/runs', { headers: embedded })).status).toBe(403)
      const followed = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
      expect((await ask('/', { headers: followed })).status).toBe(200)
    })
  })

  test('what shows content needs the token that this start made, which only the user of the worker can read', async () => {
    await withServer({}, async ({ ask }) => {
      const path = join(worker.folder, 'lake', 'http.json')
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      const token = await tokenOf()
      expect(token.length).toBeGreaterThan(40)
      const asked = { method: 'POST', headers: { 'content-type': 'application/sql' }, body: 'SELECT 1' }
      expect(await ask('/query', asked)).toMatchObject({ status: 401, json: { error: { code: 'HTTP_UNAUTHORIZED' } } })
      const ledger = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"question":"sources"}' }
      expect((await ask('/api/ledger', ledger)).status).toBe(401)
      for (const what of ['members', 'diff']) expect((await ask(`/api/cohorts/any/${what}`)).status).toBe(401)
      const withToken = { ...asked, headers: { ...asked.headers, ...bearer(token) } }
      expect(await ask('/query', withToken)).toMatchObject({ status: 200, json: { sql: 'SELECT 1' } })
    })
    await withServer({}, async () => {
      await expect(tokenOf()).resolves.not.toBe('')
    })
  })

  test('the file with the token is gone when the worker has stopped, and each start has another one', async () => {
    const tokens: string[] = []
    for (let i = 0; i < 2; i++) await withServer({}, async () => void tokens.push(await tokenOf()))
    expect(tokens[0]).not.toBe(tokens[1])
    await expect(tokenOf()).rejects.toThrow('ENOENT')
  })
})

describe('beyond loopback', () => {
  test('nothing is answered without the token but probes, the form to sign in and what it looks like', async () => {
    await withServer({ beyond: true }, async ({ ask }) => {
      for (const path of [
        '/api/worker',
        '/api/sources',
        '/api/events',
        '/metrics',
        '/openapi.json',
        '/api/nothing',
        '/nothing',
      ]) {
        expect((await ask(path)).status, path).toBe(401)
        expect((await ask(path)).headers['www-authenticate']).toMatch(/^Bearer/)
        expect((await ask(path, { headers: bearer(`${TOKEN}!`) })).status, path).toBe(401)
      }
      for (const path of ['/api/reload', '/query', '/api/sources/field/sync', '/logout'])
        expect((await ask(path, { method: 'POST' })).status, path).toBe(401)
      for (const path of ['/healthz', '/readyz', '/login', '/assets/style.css'])
        expect((await ask(path)).status, path).toBe(200)
      expect((await ask('/healthz')).json).toEqual({ status: 'ok' })
      expect((await ask('/api/worker', { headers: bearer(TOKEN) })).status).toBe(200)
    })
  })

  test('scripts and styles may be kept, and nothing else', async () => {
    await withServer({}, async ({ ask }) => {
      const kept = async (path: string, headers = {}) => {
        const answer = await ask(path, { headers })
        return [answer.status, answer.headers['cache-control'], answer.headers['x-content-type-options']]
      }
      const { etag } = (await ask('/assets/style.css')).headers
      const digest = etag!.replaceAll('"', '')
      expect(await kept('/assets/style.css')).toEqual([200, 'no-cache', 'nosniff'])
      expect(await kept('/assets/style.css', { 'if-none-match': etag })).toEqual([304, 'no-cache', 'nosniff'])
      expect(await kept(`/assets/style.css?v=${digest}`)).toEqual([
        200,
        'public, max-age=31536000, immutable',
        'nosniff',
      ])
      expect(await kept('/assets/style.css?v=another')).toEqual([200, 'no-cache', 'nosniff'])
      for (const [path, status] of [
        ['/assets/nothing.js', 404],
        ['/', 200],
        ['/api/worker', 200],
        ['/metrics', 200],
        ['/nothing', 404],
      ] as const)
        expect(await kept(path), path).toEqual([status, 'no-store', 'nosniff'])
    })
  })

  test.each([
    '/login/../api/worker',
    '/assets/../api/worker',
    '/assets/%2e%2e/api/worker',
    '//login',
    '/LOGIN',
    '/healthz/',
    '/assets/..%2fapi%2fworker',
    '/login?x=/assets/',
  ])('the address %s leads past nothing', async (path) => {
    await withServer({ beyond: true }, async ({ ask }) => {
      const { status, text } = await ask(path)
      expect(text).not.toContain('started_at')
      expect([200, 401, 404]).toContain(status)
      if (status === 200) expect(text).toContain('<form')
    })
  })

  test('a browser is sent to sign in, and comes back to where it wanted to go', async () => {
    await withServer({ beyond: true }, async ({ ask }) => {
      const { status, headers } = await ask('/?a=1&b=%2F', { headers: { accept: 'text/html,*/*' } })
      expect([status, headers.location]).toEqual([303, '/login?next=%2F%3Fa%3D1%26b%3D%252F'])
      const body = `token=${TOKEN}&next=${encodeURIComponent('/?a=1')}`
      const signedIn = await ask('/login', { method: 'POST', headers: asForm, body })
      expect([signedIn.status, signedIn.headers.location]).toEqual([303, '/?a=1'])
      const [cookie] = signedIn.headers['set-cookie']!
      expect(cookie).toMatch(/^stoker_session_\d+=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/)
      expect(cookie).not.toContain(TOKEN)
      const session = { cookie: cookie!.split(';')[0]! }
      expect((await ask('/', { headers: session })).text).toBe('<p>signed in: true</p>')
      expect((await ask('/logout', { method: 'POST', headers: session })).status).toBe(303)
      expect((await ask('/', { headers: session })).status).toBe(401)
    })
  })

  test.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'javascript:alert(1)',
    '',
    '/a\r\nSet-Cookie: x=y',
  ])('after signing in nobody is sent to %j', async (next) => {
    await withServer({ beyond: true }, async ({ ask }) => {
      const body = `token=${TOKEN}&next=${encodeURIComponent(next)}`
      const { status, headers } = await ask('/login', { method: 'POST', headers: asForm, body })
      expect([status, headers.location]).toEqual([303, '/'])
    })
  })

  test('a cookie ends after a working day, and is marked for https where a proxy speaks it', async () => {
    const clock = new FastClock()
    await withServer({ beyond: true, clock }, async ({ ask }) => {
      const headers = { ...asForm, 'x-forwarded-proto': 'https' }
      const { headers: answered } = await ask('/login', { method: 'POST', headers, body: `token=${TOKEN}` })
      const [cookie] = answered['set-cookie']!
      expect(cookie).toContain('; Secure')
      const session = { cookie: cookie!.split(';')[0]! }
      clock.pass(11 * 3600_000)
      expect((await ask('/', { headers: session })).status).toBe(200)
      clock.pass(1 * 3600_000)
      expect((await ask('/', { headers: session })).status).toBe(401)
    })
  })

  test('who tries too many tokens in the form waits, whatever the next one is, and then may try again', async () => {
    const clock = new FastClock()
    await withServer({ beyond: true, clock }, async ({ ask }) => {
      const tried = (token: string) =>
        ask('/login', { method: 'POST', headers: asForm, body: `token=${token}&next=/runs` })
      const wrong = () => tried('a-guess-that-is-long-enough')
      for (let i = 0; i < 10; i++) expect((await wrong()).headers.location).toBe('/login?failed=wrong&next=%2Fruns')
      expect((await wrong()).headers.location).toBe('/login?failed=often&next=%2Fruns')
      expect((await tried(TOKEN)).headers.location).toBe('/login?failed=often&next=%2Fruns')
      clock.pass(6_000)
      expect((await tried(TOKEN)).headers.location).toBe('/runs')
      await wrong()
      clock.pass(-86_400_000)
      expect((await tried(TOKEN)).headers.location).toBe('/runs')
    })
  })

  test('a program with the right token comes in, however many wrong ones came from its address, which wait', async () => {
    const clock = new FastClock()
    await withServer({ beyond: true, clock }, async ({ ask }) => {
      const shown = (token: string) => ask('/api/worker', { headers: bearer(token) })
      for (let i = 0; i < 10; i++) expect((await shown('a-guess-that-is-long-enough')).status).toBe(401)
      const refused = await shown('another-guess-that-is-long-enough')
      expect(refused).toMatchObject({ status: 429, json: { error: { code: 'HTTP_TOO_MANY_TRIES', retryable: true } } })
      expect(refused.headers['retry-after']).toBe('6')
      expect((await shown(TOKEN)).status).toBe(200)
      expect((await shown('another-guess-that-is-long-enough')).status).toBe(429)
      clock.pass(6_000)
      expect((await shown('another-guess-that-is-long-enough')).status).toBe(401)
    })
  })

  test.each([
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    `Bearer ${TOKEN} ${TOKEN}`,
    `bearer-${TOKEN}`,
    TOKEN,
    `Bearer ${TOKEN.toUpperCase()}`,
  ])('an Authorization header of %j opens nothing', async (authorization) => {
    await withServer({ beyond: true }, async ({ ask }) => {
      expect((await ask('/api/worker', { headers: { authorization } })).status).toBe(401)
    })
  })
})

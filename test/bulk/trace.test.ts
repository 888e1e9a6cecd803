import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, onTestFinished, test } from 'vitest'
import { STANDARD_PROFILE } from '../../src/bulk/server/profile.ts'
import type { BulkAuth } from '../../src/bulk/auth/tokens.ts'
import { tracedUrl } from '../../src/bulk/http/trace.ts'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { clientFor, failureOf, tokensOf } from './client-fixture.ts'
import { cutOff, deadPort, MANIFEST, outcome, reply, startOddityServer, type OddityServer } from './oddity-server.ts'

const signal = new AbortController().signal

interface Line {
  readonly [name: string]: unknown
  readonly url: string
  readonly request: Record<string, string>
  readonly response?: Record<string, string>
}

async function traced(auth?: (server: OddityServer) => BulkAuth, profile = STANDARD_PROFILE) {
  const server = await startOddityServer()
  const written: string[] = []
  const trace = { write: (line: string) => written.push(line) }
  const fixture = clientFor(server.baseUrl, {
    trace,
    profile,
    limits: { attemptsMax: 2 },
    ...(auth && { auth: auth(server) }),
  })
  const lines = () => written.map((line) => JSON.parse(line) as Line)
  return { server, ...fixture, written, lines }
}

test('each exchange is one line: what was asked, what was answered, how long and how much it was', async () => {
  const { server, kickOff, wait, download, client, clock, lines, written } = await traced(tokensOf)
  const ndjson = '{"resourceType":"Patient"}\n'.repeat(100)
  const zipped = gzipSync(ndjson)
  server
    .on('GET /fhir/$export', reply(202, { 'Content-Location': '/status?_jobId=7&sig=abc', 'X-Request-Id': 'r-1' }))
    .on('GET /status', reply(202, { 'Retry-After': '2', 'X-Progress': 'half' }), reply(200, {}, MANIFEST))
    .on('GET /file', reply(307, { Location: '/moved?sig=abc' }))
    .on('GET /moved', reply(200, { 'Content-Encoding': 'gzip' }, zipped))
    .on('DELETE /status', reply(202))
  const began = clock.now().toISOString()
  await client
    .kickOff({ level: { kind: 'group', id: 'g' }, types: ['Patient'], since: '2026-01-01T00:00:00Z' }, signal)
    .catch(() => undefined)
  await kickOff()
  await wait('/status?_jobId=7&sig=abc')
  expect((await download('/file?sig=abc')).toString()).toBe(ndjson)
  await client.release(`${server.origin}/status`, signal)
  expect(written.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true)
  expect(
    lines().map(({ step, method, url, status, bytes }) => [
      step,
      method,
      url.slice(server.origin.length),
      status,
      bytes,
    ]),
  ).toEqual([
    ['token', 'POST', '/token', 200, expect.any(Number)],
    ['kick-off', 'GET', '/fhir/Group/g/$export?_type=Patient&_since=2026-01-01T00%3A00%3A00Z', 404, 0],
    ['kick-off', 'GET', '/fhir/$export?_type=Patient', 202, 0],
    ['status', 'GET', '/status?_jobId=7&sig=[hidden]', 202, 0],
    ['status', 'GET', '/status?_jobId=7&sig=[hidden]', 200, JSON.stringify(MANIFEST).length],
    ['file', 'GET', '/file?sig=[hidden]', 307, 0],
    ['file', 'GET', '/moved?sig=[hidden]', 200, zipped.length],
    ['release', 'DELETE', '/status', 202, 0],
  ])
  const [token, , asked, waiting, , redirect] = lines()
  expect(token).toMatchObject({ time: began, answeredMs: 0, endedMs: 0 })
  expect(asked).toMatchObject({
    request: { prefer: 'respond-async', accept: 'application/fhir+json', authorization: '[hidden]' },
    response: { 'x-request-id': 'r-1', 'content-location': '/status' },
  })
  expect(waiting!.response).toMatchObject({ 'retry-after': '2', 'x-progress': '4 characters' })
  expect(redirect!.response).toMatchObject({ location: '/moved' })
})

test.each([
  ['x-progress', '21% complete, Jane Doe is next', '21%'],
  ['x-progress', 'at 99.5 % of Jane Doe', '99.5%'],
  ['x-progress', 'Jane Doe is next', '16 characters'],
  ['x-export-status', '202 Jane Doe is next', '202'],
  ['x-export-status', 'Jane Doe', '8 characters'],
  ['retry-after', '120', '120'],
  ['retry-after', 'Sat, 21 Nov 2026 10:02:00 GMT', 'Sat, 21 Nov 2026 10:02:00 GMT'],
  ['retry-after', 'when Jane Doe is done', '21 characters'],
  [
    'www-authenticate',
    'Bearer realm="Jane Doe", error="invalid_token", error_description="of Jane Doe"',
    'Bearer error="invalid_token"',
  ],
  ['content-location', '/status/1?name=Jane%20Doe', '/status/1'],
])('of %s: %s is shown %s', async (name, value, shown) => {
  const { server, kickOff, lines } = await traced()
  server.on('GET /fhir/$export', reply(400, { [name]: value }))
  await failureOf(kickOff())
  expect(lines()[0]!.response![name]).toBe(shown)
})

test('an OperationOutcome is shown as severity and code of its issues, without its words', async () => {
  const { server, kickOff, lines, written } = await traced()
  server.on('GET /fhir/$export', reply(400, {}, outcome('invalid', 'Jane Doe is not known')))
  await failureOf(kickOff())
  expect(lines()[0]!.issues).toEqual([{ severity: 'error', code: 'invalid' }])
  expect(written.join('')).not.toContain('Jane')
})

test('an exchange that fails is a line too, with what went wrong', async () => {
  const { server, download, lines } = await traced()
  server.on('GET /file', cutOff({ 'Content-Length': 500 }, '{}\n'))
  await failureOf(download())
  await failureOf(download(`http://127.0.0.1:${await deadPort()}/file`, false))
  const all = lines()
  expect(all.map(({ step, status }) => [step, status])).toContainEqual(['file', 200])
  expect(all.filter(({ failure }) => failure === 'ECONNREFUSED').length).toBeGreaterThan(0)
  expect(all.filter(({ status, failure }) => status === 200 && failure === undefined)).toEqual([])
})

test('one that is stopped is a line too', async () => {
  const { server, client, lines } = await traced()
  const controller = new AbortController()
  server.on('GET /status', () => controller.abort())
  const reading = client.readManifest(`${server.origin}/status`, controller.signal)
  await expect(reading).rejects.toMatchObject({ name: 'AbortError' })
  expect(lines().map(({ failure }) => failure)).toEqual(['stopped'])
})

test("a file's write stream takes the lines", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-trace-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'trace.ndjson')
  const server = await startOddityServer()
  server.on('GET /fhir/$export', reply(202, { 'Content-Location': '/status' }))
  const stream = createWriteStream(path, { flags: 'a', mode: 0o600 })
  await clientFor(server.baseUrl, { trace: stream }).kickOff()
  await new Promise<void>((resolve) => stream.end(resolve))
  expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ step: 'kick-off', status: 202 })
})

test.each([
  ['https://host/a?_since=1&_type=A,B', 'https://host/a?_since=1&_type=A%2CB'],
  [
    'https://host/a?X-Amz-Signature=abc&token=def&_type=A',
    'https://host/a?X-Amz-Signature=[hidden]&token=[hidden]&_type=A',
  ],
  ['https://host/a?patient=Patient/1&flag', 'https://host/a?patient=[hidden]&flag=[hidden]'],
  ['https://user:word@host/a#part', 'https://host/a'],
  ['https://host/eyJhbGciOi.eyJzdGFy.qLOIq/file', 'https://host/[hidden]/file'],
])('of %s is shown %s', (url, shown) => {
  expect(tracedUrl(new URL(url))).toBe(shown)
})

describe('secrets that are planted everywhere', () => {
  const SECRETS = [/AbCdEf0123/, /token-\d/, /a-client-secret/, /eyJ/, /PRIVATE/, /c2lnPUFi/, /Jane Doe/]
  const SIGNATURE = 'AbCdEf0123'
  const profile = {
    ...STANDARD_PROFILE,
    headers: { 'kick-off': { 'x-api-key': SIGNATURE, cookie: SIGNATURE }, file: { 'x-functions-key': SIGNATURE } },
  }

  /** Says all it was told, in every place it has. */
  const echo =
    (status: number, more: Record<string, string> = {}) =>
    (asked: Parameters<ReturnType<typeof reply>>[0], response: Parameters<ReturnType<typeof reply>>[1]): void => {
      const { authorization = 'none' } = asked.headers
      const form = [...new URLSearchParams(asked.body).values()].join(' ').slice(0, 2000)
      const told = `${authorization} ${form}`.replace(/[^\x20-\x7e]/g, '')
      const headers = {
        'Set-Cookie': [`session=${SIGNATURE}`, `jwt=${told}`],
        'X-Secret': SIGNATURE,
        'X-Progress': told,
        'WWW-Authenticate': `Bearer error_description="${told}"`,
        'X-Request-Id': told,
        ETag: `"${told}"`,
        Via: `eyJhbGciOi.eyJzdGFy.qLOIq of somebody else, ${told}`,
        ...more,
      }
      const diagnostics = `Jane Doe ${told} at ${asked.query}`
      const issue = [{ severity: 'error', code: 'invalid', diagnostics, details: { text: told } }]
      reply(status, headers, { resourceType: 'OperationOutcome', issue })(asked, response)
    }

  const steps = async (auth: (server: OddityServer) => BulkAuth) => {
    const each = await traced(auth, profile)
    const { server, kickOff, wait, download, client } = each
    const where = `/x?sig=${SIGNATURE}&_since=2026`
    server
      .on('GET /fhir/$export', echo(401), echo(429), echo(202, { 'Content-Location': where }))
      .on('GET /status', echo(202, { 'Retry-After': '1' }), echo(500), echo(400))
      .on('GET /file', echo(307, { Location: where }), echo(403))
      .on('GET /x', echo(200))
      .on('DELETE /status', echo(401))
    for (const ask of [
      kickOff,
      kickOff,
      () => wait(`/status?sig=${SIGNATURE}&code=eyJhbGciOi.eyJzdGFy.qLOIq`),
      () => download(`/file?sig=${SIGNATURE}`),
      () => download(`/file?sig=${SIGNATURE}`),
      () => client.release(`${server.origin}/status?sig=${SIGNATURE}`, signal),
    ]) {
      await ask().catch(() => undefined)
    }
    return each
  }
  const leaks = (lines: string[]) =>
    SECRETS.flatMap((secret) => lines.filter((line) => secret.test(line)).map((line) => `${secret} in ${line}`))

  test.each(['post', 'basic'] as const)('do not come into the trace with a client secret by %s', async (method) => {
    const { written } = await steps((server) => ({ ...tokensOf(server), method }) as BulkAuth)
    expect(written.length).toBeGreaterThan(10)
    expect(leaks(written)).toEqual([])
  })

  test('do not come into the trace though JSON writes them in another way, or they stand where a long value is cut', async () => {
    const secret = 'AbCdEf0123"\\"'
    const { server, kickOff, written } = await traced((each) => ({ ...tokensOf(each), secret }) as BulkAuth)
    const long = (asked: Parameters<ReturnType<typeof reply>>[0]) => {
      const said = new URLSearchParams(asked.body).get('client_secret') ?? ''
      return `${'x'.repeat(295)}${said}`
    }
    server.on('POST /token', (asked, response) => {
      response.writeHead(401, { Via: long(asked), 'X-Progress': long(asked).slice(290) }).end()
    })
    await failureOf(kickOff())
    expect(written[0]).toContain('x-progress')
    expect(leaks(written)).toEqual([])
  })

  test('do not come into the trace when they were in use before', async () => {
    const { server, kickOff, download, clock, written } = await traced(tokensOf)
    await failureOf(kickOff())
    clock.pass(300_000)
    server.on('GET /file', reply(404, { 'X-Request-Id': 'token-1 token-2 a-client-secret' }))
    await failureOf(download())
    expect(written.at(-1)).toContain('[hidden] [hidden] [hidden]')
    expect(leaks(written)).toEqual([])
  })

  test('do not come into the trace with a signed assertion', async () => {
    const { clientId, privateJwk } = await demoKeyPair('ES384')
    const { written } = await steps((server) => {
      const { tokenUrl } = tokensOf(server) as { tokenUrl: URL }
      return { kind: 'private-key-jwt', clientId, keyText: JSON.stringify(privateJwk), tokenUrl }
    })
    expect(leaks(written)).toEqual([])
  })

  test('do not come into the trace from a token endpoint that says all it was told', async () => {
    const { server, kickOff, written } = await traced(tokensOf)
    server.on('POST /token', echo(400))
    await failureOf(kickOff())
    expect(leaks(written)).toEqual([])
    expect(written.length).toBeGreaterThan(0)
  })
})

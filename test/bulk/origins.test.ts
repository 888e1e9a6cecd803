import { buffer } from 'node:stream/consumers'
import { describe, expect, test } from 'vitest'
import { STANDARD_PROFILE } from '../../src/bulk/server/profile.ts'
import { refuseInsecure } from '../../src/bulk/http/url.ts'
import { clientFor, failureOf, tokensOf } from './client-fixture.ts'
import { MANIFEST, only, reply, startOddityServer } from './oddity-server.ts'

const never = new AbortController().signal
const file = reply(200, { 'Content-Type': 'application/fhir+ndjson' }, '{}\n')

/** A FHIR server and a storage on another port, which is another origin. */
async function pair(tokenOrigins: 'storage' | 'none' = 'none') {
  const server = await startOddityServer()
  const storage = await startOddityServer()
  storage.on('GET /blob', file)
  const auth = tokensOf(server)
  const fixture = clientFor(server.baseUrl, { auth, tokenOrigins: tokenOrigins === 'storage' ? [storage.origin] : [] })
  return { server, storage, ...fixture, blob: `${storage.origin}/blob?sig=1` }
}

describe('the token', () => {
  test.each([301, 302, 303, 307, 308])(
    'does not follow a redirect of %i to another origin, and the file arrives',
    async (status) => {
      const { server, storage, download, blob } = await pair()
      server.on('GET /file', only('token-1', reply(status, { Location: blob })))
      expect((await download()).toString()).toBe('{}\n')
      expect(storage.asked.map(({ query, headers }) => [query, headers.authorization])).toEqual([['?sig=1', undefined]])
    },
  )

  test('goes along on a redirect within the origin', async () => {
    const { server, download } = await pair()
    server.on('GET /file', reply(307, { Location: 'elsewhere' })).on('GET /elsewhere', only('token-1', file))
    expect((await download()).toString()).toBe('{}\n')
  })

  test('is not sent, nor asked for, where requiresAccessToken is false', async () => {
    const { server, download } = await pair()
    server.on('GET /file', file)
    await download('/file', false)
    expect(server.asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([['/file', undefined]])
  })

  test('is not sent to another origin that a manifest names, though it asks for it', async () => {
    const { storage, download, blob } = await pair()
    await download(blob)
    expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test('is sent to another origin that is in tokenOrigins', async () => {
    const { storage, download, blob } = await pair('storage')
    await download(blob)
    expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer token-1'])
  })

  test('is not sent to an origin in tokenOrigins where requiresAccessToken is false', async () => {
    const { storage, download, blob } = await pair('storage')
    await download(blob, false)
    expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test('does not come back on a redirect that leads away and home again, unless the home asks for it', async () => {
    const { server, storage, download } = await pair()
    server.on('GET /file', only('token-1', reply(302, { Location: `${storage.origin}/detour` })))
    storage.on('GET /detour', reply(302, { Location: `${server.origin}/home` }))
    server.on('GET /home', only('token-1', file))
    expect((await download()).toString()).toBe('{}\n')
    expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test('does not follow a redirect of a status, of a deletion, or to the same host under another scheme or port', async () => {
    const { server, storage, client, wait } = await pair()
    const away = (path: string) => reply(307, { Location: `${storage.origin}${path}` })
    server.on('GET /status', away('/status')).on('DELETE /status', away('/status'))
    storage.on('GET /status', reply(200, {}, MANIFEST)).on('DELETE /status', reply(202))
    await wait()
    await client.release(`${server.origin}/status`, never)
    expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
  })

  test('is sent to no page of a manifest on another origin', async () => {
    const { server, storage, wait } = await pair()
    const link = [{ relation: 'next', url: `${storage.origin}/2` }]
    server.on('GET /status', only('token-1', reply(200, {}, { ...MANIFEST, link })))
    storage.on('GET /2', reply(200, {}, MANIFEST))
    await wait()
    expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })

  test.each([
    [true, 'Bearer token-1'],
    ['true', 'Bearer token-1'],
    [undefined, 'Bearer token-1'],
    [false, undefined],
    ['false', undefined],
  ])('goes to a file of the base where requiresAccessToken is %s: %s', async (flag, sent) => {
    const { server, client, wait } = await pair()
    const { requiresAccessToken: _, ...rest } = MANIFEST
    const output = [{ type: 'Patient', url: '/file' }]
    server.on('GET /status', reply(200, {}, { ...rest, output, requiresAccessToken: flag })).on('GET /file', file)
    const manifest = await wait()
    await client.fetchFile(manifest.output[0]!, manifest, (body) => buffer(body), never)
    expect(server.askedOf('GET /file').map(({ headers }) => headers.authorization)).toEqual([sent])
  })

  test('is not sent to a status URL on another origin', async () => {
    const { storage, wait } = await pair()
    storage.on('GET /status', reply(200, {}, MANIFEST))
    await wait(`${storage.origin}/status`)
    expect(storage.asked.map(({ headers }) => headers.authorization)).toEqual([undefined])
  })
})

describe('redirects', () => {
  test('without end are BULK_REFUSED', async () => {
    const { server, download } = await pair()
    server.on('GET /file', reply(302, { Location: '/file' }))
    expect((await failureOf(download())).code).toBe('BULK_REFUSED')
    expect(server.askedOf('GET /file').length).toBe(6)
  })

  test('to what is no URL are BULK_REFUSED, and not tried again', async () => {
    const { server, download } = await pair()
    server.on('GET /file', reply(302, { Location: 'http://[?sig=1' }))
    expect((await failureOf(download())).code).toBe('BULK_REFUSED')
    expect(server.askedOf('GET /file').length).toBe(1)
  })

  test('of a token request are not followed: nobody else sees the secret', async () => {
    const { server, storage, kickOff } = await pair()
    server.on('POST /token', reply(307, { Location: `${storage.origin}/token` }))
    expect((await failureOf(kickOff())).code).toBe('BULK_REFUSED')
    expect(storage.asked).toEqual([])
  })
})

// 0.0.0.0 is this machine, reached under a name that is not its own: a connection would arrive and be on record.
describe('plain http to another machine is BULK_INSECURE before any connection', () => {
  test('for the base', async () => {
    const server = await startOddityServer()
    const error = await failureOf(clientFor(new URL(`http://0.0.0.0:${server.port}/fhir/`)).kickOff())
    expect([error.code, error.retryable, server.asked.length]).toEqual(['BULK_INSECURE', false, 0])
  })

  test('for a name that would have to be looked up', async () => {
    const fixture = clientFor(new URL('http://fhir.example.org/fhir/'))
    expect((await failureOf(fixture.kickOff())).code).toBe('BULK_INSECURE')
    expect(fixture.clock.sleeps).toEqual([])
  })

  test.each(['file', 'status', 'token', 'redirect'])('for a %s on it', async (what) => {
    const { server, kickOff, wait, download } = await pair()
    const other = await startOddityServer()
    const away = `http://0.0.0.0:${other.port}/away`
    server.on('GET /file', reply(307, { Location: away }))
    const insecure = clientFor(server.baseUrl, {
      auth: { kind: 'client-secret', clientId: 'stoker', secret: 's', method: 'basic', tokenUrl: new URL(away) },
    })
    const ask =
      { file: () => download(away), status: () => wait(away), token: insecure.kickOff, redirect: download }[what] ??
      kickOff
    expect((await failureOf(ask())).code).toBe('BULK_INSECURE')
    expect(other.asked).toEqual([])
  })

  test('while every name of this machine is allowed', async () => {
    const server = await startOddityServer()
    server.on('GET /fhir/$export', reply(202, { 'Content-Location': '/status' }))
    await clientFor(new URL(`http://localhost:${server.port}/fhir/`)).kickOff()
    expect(() => refuseInsecure(new URL('http://fhir.localhost/'), false)).not.toThrow()
    expect(() => refuseInsecure(new URL('http://localhost.example.org/'), false)).toThrow()
    expect(server.asked.length).toBe(1)
  })

  test('unless allowHttp says it is meant', async () => {
    const server = await startOddityServer()
    server.on('GET /fhir/$export', reply(202, { 'Content-Location': '/status' }))
    await clientFor(new URL(`http://0.0.0.0:${server.port}/fhir/`), { allowHttp: true }).kickOff()
    expect(server.asked.length).toBe(1)
  })

  test.each(['file:///etc/passwd', 'ftp://127.0.0.1/x', 'data:text/plain,x'])(
    'and %s is never fetched',
    async (url) => {
      const { client } = clientFor(new URL('https://127.0.0.1/fhir/'), { allowHttp: true })
      const error = await failureOf(
        client.fetchFile({ kind: 'output', url }, { requiresAccessToken: false }, async () => 1, never),
      )
      expect(error.code).toBe('BULK_INSECURE')
    },
  )
})

test("a profile's own headers, which may be keys, go to the source's origins alone, as the token does", async () => {
  const server = await startOddityServer()
  const storage = await startOddityServer()
  storage.on('GET /blob', file)
  server.on('GET /file', reply(307, { Location: `${storage.origin}/blob` }))
  const headers = { file: { 'x-api-key': 'a-key', accept: 'application/ndjson' } }
  const { download } = clientFor(server.baseUrl, { profile: { ...STANDARD_PROFILE, headers } })
  await download()
  await download(`${storage.origin}/blob`, false)
  expect(server.askedOf('GET /file').map((asked) => asked.headers['x-api-key'])).toEqual(['a-key'])
  const seen = storage.askedOf('GET /blob').map((asked) => [asked.headers['x-api-key'], asked.headers.accept])
  expect(seen).toEqual([
    [undefined, 'application/ndjson'],
    [undefined, 'application/ndjson'],
  ])
})

import { getEventListeners } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { createGzip } from 'node:zlib'
import { describe, expect, test, vi } from 'vitest'
import { isAbort } from '../../src/core/errors.ts'
import { systemClock } from '../../src/core/clock.ts'
import { clientFor, waitFor } from './client-fixture.ts'
import { reply, stall, startOddityServer, type Answer, type OddityServer } from './oddity-server.ts'

// On the real clock: where the abort is not heard, a test waits for an hour, and fails.
async function abortable(route: string, answer: Answer) {
  const server = await startOddityServer()
  const controller = new AbortController()
  server.on(route, (asked, response) => {
    answer(asked, response)
    setTimeout(() => controller.abort(), 20)
  })
  const { client } = clientFor(server.baseUrl, { clock: systemClock })
  return { server, client, signal: controller.signal }
}

const fileOf = (server: OddityServer) => ({ kind: 'output', url: `${server.origin}/file` }) as const

async function expectAbort(promise: Promise<unknown>): Promise<void> {
  const error: unknown = await promise.then(
    () => 'no error',
    (reason: unknown) => reason,
  )
  expect(isAbort(error)).toBe(true)
}

describe('an abort ends at once with an AbortError', () => {
  test('while the client sleeps between two polls', async () => {
    const { server, client, signal } = await abortable('GET /status', reply(202, { 'Retry-After': '3600' }))
    const deadline = new Date(Date.now() + 86_400_000)
    await expectAbort(waitFor(client, `${server.origin}/status`, { deadline, onProgress: () => undefined, signal }))
    expect(server.askedOf('DELETE /status')).toEqual([])
  })

  test('while it sleeps before it tries again', async () => {
    const { server, client, signal } = await abortable('GET /file', reply(429, { 'Retry-After': '3600' }))
    await expectAbort(client.fetchFile(fileOf(server), { requiresAccessToken: false }, buffer, signal))
  })

  test('while it waits for an answer', async () => {
    const { client, signal } = await abortable('GET /fhir/$export', () => undefined)
    await expectAbort(client.kickOff({ level: { kind: 'system' }, types: ['Patient'] }, signal))
  })

  test('while it waits with another request for the token, and that one sleeps', async () => {
    const server = await startOddityServer()
    server.on('POST /token', reply(429, { 'Retry-After': '3600' }))
    const tokenUrl = new URL('/token', server.origin)
    const auth = { kind: 'client-secret', clientId: 'stoker', secret: 's', method: 'post', tokenUrl } as const
    const { client } = clientFor(server.baseUrl, { auth, clock: systemClock })
    const asker = new AbortController()
    const waiter = new AbortController()
    const asking = client.release(`${server.origin}/status`, asker.signal)
    const waiting = client.release(`${server.origin}/status`, waiter.signal)
    await vi.waitFor(() => expect(server.askedOf('POST /token').length).toBe(1))
    waiter.abort()
    await expectAbort(waiting)
    asker.abort()
    await expectAbort(asking)
    expect(server.askedOf('POST /token').length).toBe(1)
  })

  const gzipped: Answer = (_, response) => {
    response.writeHead(200, { 'Content-Encoding': 'gzip' })
    const zip = createGzip()
    zip.pipe(response)
    zip.write('{}\n', () => zip.flush())
  }
  test.each([
    ['plain', stall({}, '{}\n')],
    ['gzip', gzipped],
  ])('in the middle of a %s download', async (_, answer) => {
    const { server, client, signal } = await abortable('GET /file', answer)
    await expectAbort(client.fetchFile(fileOf(server), { requiresAccessToken: false }, buffer, signal))
    expect(server.asked.length).toBe(1)
  })

  test('in the middle of an error body', async () => {
    const { client, signal } = await abortable('GET /fhir/$export', (_, response) => response.writeHead(400).write('{'))
    await expectAbort(client.kickOff({ level: { kind: 'system' }, types: ['Patient'] }, signal))
  })

  test('and however many requests share a signal, none stays with it', async () => {
    const server = await startOddityServer()
    server.on('GET /file', reply(200))
    const { client } = clientFor(server.baseUrl)
    const { signal } = new AbortController()
    const one = () => client.fetchFile(fileOf(server), { requiresAccessToken: false }, buffer, signal)
    await Promise.all(Array.from({ length: 40 }, one))
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  test('before it begins', async () => {
    const server = await startOddityServer()
    const { client } = clientFor(server.baseUrl)
    await expectAbort(client.kickOff({ level: { kind: 'system' }, types: ['Patient'] }, AbortSignal.abort()))
    expect(server.asked).toEqual([])
  })
})

/** Field notes on Epic, each as a test. */
import { expect, test } from 'vitest'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { clientFor, waitFor } from './client-fixture.ts'
import { fieldServer } from './field-fixture.ts'
import { MANIFEST, reply, startOddityServer } from './oddity-server.ts'

const never = new AbortController().signal
const DAY_MS = 86_400_000
const GROUP = { level: { kind: 'group', id: 'everyone' }, types: ['Patient'] } as const

test('Epic: an export that stands in a queue for three weeks is waited for, an outage of a day and forgotten tokens included', async () => {
  const server = await startOddityServer()
  const { client, clock } = clientFor(server.baseUrl)
  const end = clock.now().getTime() + 21 * DAY_MS
  const outage = end - 5 * DAY_MS
  server.on('GET /status', (asked, response) => {
    const now = clock.now().getTime()
    const isOut = now > outage && now < outage + DAY_MS
    const working = isOut ? reply(503, { 'Retry-After': '3600' }) : reply(202, { 'Retry-After': '21600' })
    ;(now < end ? working : reply(200, {}, MANIFEST))(asked, response)
  })
  const deadline = new Date(clock.now().getTime() + 30 * DAY_MS)
  await waitFor(client, `${server.origin}/status`, { deadline, onProgress: () => undefined, signal: never })
  expect(clock.now().getTime()).toBeGreaterThanOrEqual(end)
  expect(clock.now().getTime() - end).toBeLessThan(DAY_MS)
})

test('Epic: while its one place is taken an export waits, and gets it as soon as the other is deleted', async () => {
  let waits = 0
  const onWait = () => {
    waits += 1
    if (waits === 3) void first.client.release(status, never)
  }
  const first = await fieldServer('epic', { retryAfterSeconds: 600 }, { onWait })
  const { statusUrl: status } = await first.client.kickOff(GROUP, never)
  const deadline = new Date(first.clock.now().getTime() + DAY_MS)
  const { statusUrl } = await first.client.kickOff(GROUP, never, deadline)
  expect(statusUrl).not.toBe(status)
  expect(first.statuses.filter((each) => each === 429).length).toBeGreaterThanOrEqual(3)
})

test('Epic: a 400 of its token endpoint that says nothing is asked again, and the export goes on', async () => {
  const keys = await demoKeyPair()
  const auth = { kind: 'private-key-jwt', clientId: keys.clientId, keyText: JSON.stringify(keys.privateJwk) } as const
  const { client, server, statuses } = await fieldServer('epic', { tokenFailures: 2 }, { auth }, keys)
  await client.kickOff(GROUP, never)
  expect(statuses.filter((each) => each === 400).length).toBe(2)
  expect(server.requests.tokens).toBe(3)
})

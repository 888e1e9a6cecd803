import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import type { BulkClientOptions } from '../../src/bulk/client.ts'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { startDemoServer, type DemoServerOptions } from '../../src/demo/server.ts'
import { clientFor, waitFor } from './client-fixture.ts'
import { FastClock } from './fast-clock.ts'

const signal = new AbortController().signal

async function demo(options: DemoServerOptions, clientOptions: Partial<BulkClientOptions>) {
  const clock = new FastClock()
  const server = await startDemoServer({ patients: 5, clock, ...options })
  onTestFinished(() => server.stop())
  return { server, ...clientFor(new URL(`${server.baseUrl}/`), clientOptions, clock) }
}

test('an export with SMART Backend Services goes from kick-off to release, every resource received', async () => {
  const pair = await demoKeyPair()
  const auth = { kind: 'private-key-jwt' as const, clientId: pair.clientId, keyText: JSON.stringify(pair.privateJwk) }
  const { server, client, clock } = await demo(
    { auth: pair, behaviour: { pollsBeforeDone: 3 } },
    { auth: { ...auth, scope: 'system/*.rs' } },
  )
  const kickoff = await client.kickOff({ level: { kind: 'patient' }, types: ['Patient', 'Encounter'] }, signal)
  expect(kickoff.requestUrl).toBe(`${server.baseUrl}/Patient/$export?_type=Patient,Encounter`)
  expect(kickoff.serverDate).toBeInstanceOf(Date)

  const told: (number | undefined)[] = []
  const manifest = await waitFor(client, kickoff.statusUrl, {
    deadline: new Date(clock.now().getTime() + 60_000),
    onProgress: ({ percentDone }) => told.push(percentDone),
    signal,
  })
  expect(told).toEqual([25, 50, 75])
  expect(clock.sleeps).toEqual([1000, 1000, 1000])
  expect(manifest.requiresAccessToken).toBe(true)
  expect(manifest.output.map((file) => file.type).sort()).toEqual(['Encounter', 'Patient'])

  for (const file of manifest.output) {
    const body = await client.fetchFile(file, manifest, text, signal)
    const resources = body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { resourceType: string })
    expect(resources.length).toBe(file.count)
    expect(new Set(resources.map((each) => each.resourceType))).toEqual(new Set([file.type]))
  }
  await client.release(kickoff.statusUrl, signal)
  expect(server.requests).toMatchObject({ tokens: 1, kickOffs: 1, polls: 4, downloads: 2, cancels: 1 })
})

test('an increment of a Group sends _since as it was given', async () => {
  const { server, client } = await demo({}, {})
  const since = '2026-11-21T10:00:00.000+05:30'
  await client.kickOff({ level: { kind: 'group', id: 'all' }, types: ['Patient'], since }, signal)
  expect(server.requests.kickOffLines).toEqual([
    'GET /fhir/Group/all/$export?_type=Patient&_since=2026-11-21T10%3A00%3A00.000%2B05%3A30',
  ])
})

test('releasing an export twice is no error', async () => {
  const { server, client, kickOff } = await demo({}, {})
  const { statusUrl } = await kickOff()
  await client.release(statusUrl, signal)
  await client.release(statusUrl, signal)
  expect(server.requests.cancels).toBe(2)
})

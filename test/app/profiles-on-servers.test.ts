/** Each profile that comes with Stoker, on the demo server behaving like the server it describes. */
import { buffer } from 'node:stream/consumers'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { SourceConfig } from '../../src/app/config-source.ts'
import { bulkAuth } from '../../src/app/bulk-auth.ts'
import type { BulkClient } from '../../src/bulk/client.ts'
import type { ExportRequest } from '../../src/bulk/export/kick-off.ts'
import type { ServerProfile } from '../../src/bulk/server/profile.ts'
import { StokerError } from '../../src/core/errors.ts'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { DEMO_SERVERS, type DemoServerName } from '../../src/demo/demo-servers.ts'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import { clientFor, waitFor } from '../bulk/client-fixture.ts'
import { FastClock } from '../bulk/fast-clock.ts'
import { loadText } from './config-folder.ts'

const never = new AbortController().signal
const PATIENTS = 12

interface OnServer {
  readonly server: DemoServer
  readonly client: BulkClient
  readonly source: SourceConfig
}

/** The source of a configuration that names the profile, and a client for it. */
async function withProfile(
  like: DemoServerName,
  profile: string,
  change: Partial<ServerProfile> = {},
): Promise<OnServer> {
  const clock = new FastClock()
  const keys = await demoKeyPair()
  const behaviour = { ...DEMO_SERVERS[like], pollsBeforeDone: 0, tokenFailures: 0 }
  // Everything in it was last changed long before the clock's present day.
  const server = await startDemoServer({ patients: PATIENTS, auth: keys, behaviour, clock })
  onTestFinished(() => server.stop())
  const yaml = `lake: lake
sources:
  - name: one
    profile: ${profile}
    baseUrl: ${server.baseUrl}
    auth: {kind: private-key-jwt, clientId: ${keys.clientId}, keyFile: key.jwk}
    level: group
    group: everyone
    types: [Patient, Condition]
`
  const source = (await loadText(yaml, { 'key.jwk': JSON.stringify(keys.privateJwk) })).sources[0]!
  const options = { auth: bulkAuth(source.auth), profile: { ...source.profile, ...change } }
  return { server, source, client: clientFor(source.baseUrl, { ...options }, clock).client }
}

/** Counts by type, of what came. */
async function exported(
  { client, source }: OnServer,
  more: Partial<ExportRequest> = {},
): Promise<Record<string, number>> {
  const { level, types, since } = source
  const kickoff = await client.kickOff({ level, types, since: since.firstLoad, ...more }, never)
  const manifest = await waitFor(client, kickoff.statusUrl, {
    deadline: new Date('2099-01-01T00:00:00Z'),
    onProgress: () => undefined,
    signal: never,
  })
  const counts: Record<string, number> = {}
  for (const file of manifest.output) {
    const body = await client.fetchFile(file, manifest, (stream) => buffer(stream), never)
    for (const [, type = ''] of body.toString('utf8').matchAll(/"resourceType" ?: ?"(Patient|Condition|Encounter)"/g))
      counts[type] = (counts[type] ?? 0) + 1
  }
  return counts
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: unknown) => (error instanceof StokerError ? error.code : String(error)),
  )
}

test.each(Object.keys(DEMO_SERVERS) as DemoServerName[])('%s gives a Group whole, and nothing else', async (name) => {
  const counts = await exported(await withProfile(name, name))
  expect(counts.Condition).toBeGreaterThan(0)
  expect(counts.Encounter).toBeUndefined()
  // Some send resources twice.
  expect(counts.Patient).toBeGreaterThanOrEqual(PATIENTS)
})

describe('another profile would not do', () => {
  test('for Medplum: a body is not read, and a scope gives a token that may not export', async () => {
    expect(await codeOf(exported(await withProfile('medplum', 'stu4')))).not.toBe('no error')
    expect(await codeOf(exported(await withProfile('medplum', 'standard')))).not.toBe('no error')
  })

  test('for Google: a Group must be organised', async () => {
    expect(await codeOf(exported(await withProfile('google', 'standard')))).toBe('BULK_REFUSED')
  })

  test('for Oracle: of a repeated _type the first counts', async () => {
    const on = await withProfile('oracle', 'oracle')
    const { kickOff } = on.source.profile
    const repeated = await withProfile('oracle', 'oracle', { kickOff: { ...kickOff, lists: 'repeated' } })
    expect(Object.keys(await exported(repeated))).toEqual(['Patient'])
    expect(Object.keys(await exported(on)).sort()).toEqual(['Condition', 'Patient'])
  })

  test('for the vendor with Groups only: without an early _since there is one day', async () => {
    const bare = await withProfile('group-only', 'standard')
    expect((await exported(bare)).Patient ?? 0).toBeLessThan(PATIENTS)
    const system = exported(await withProfile('group-only', 'group-only'), { level: { kind: 'system' } })
    expect(await codeOf(system)).toBe('BULK_LEVEL')
  })
})

test.each(['epic', 'oracle', 'azure'] as const)(
  '%s is asked for its filters in one parameter, the commas inside them escaped',
  async (name) => {
    const { source, client, server } = await withProfile(name, name)
    const typeFilters = ['Patient?gender=female', 'Condition?code=a,b']
    await client.kickOff({ level: source.level, types: ['Patient', 'Condition'], typeFilters }, never)
    const [line = ''] = server.requests.kickOffLines
    const query = new URL(line.split(' ')[1]!, 'http://host').searchParams
    expect(query.getAll('_typeFilter')).toEqual(['Patient?gender=female,Condition?code=a\\,b'])
  },
)

test.each(['medplum', 'oracle', 'google', 'hapi'] as const)(
  'what Stoker itself wants and %s does not read is left out, and said, so that the export is not refused',
  async (name) => {
    const { source, client } = await withProfile(name, name)
    const wanted = { elements: ['id'], patients: ['1'], until: '2026-11-21T10:00:00Z' }
    const kickoff = await client.kickOff({ level: source.level, types: ['Patient'], ...wanted }, never)
    expect(kickoff.leftOut).toEqual(['_until', '_elements', 'patient'])
  },
)

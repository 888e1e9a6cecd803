/** Each known kind of server with its profile: whatever it does, the tables end as one full load would leave them. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { demoKeyPair } from '../../src/demo/demo-key-pair.ts'
import { DEMO_SERVERS, type DemoServerName } from '../../src/demo/demo-servers.ts'
import { startDemoServer } from '../../src/demo/server.ts'
import { FastClock } from '../bulk/fast-clock.ts'
import { Scenario } from './harness.ts'
import { OpenLake } from './open-lake.ts'
import { tableDigests } from './table-digests.ts'

const NAMES = Object.keys(DEMO_SERVERS) as DemoServerName[]
/** Servers, or profiles, of Groups alone, or whose Groups are the odd part. */
const GROUPS: ReadonlySet<DemoServerName> = new Set(['epic', 'google', 'bcda', 'group-only', 'hapi', 'oracle'])
const TYPES = 'types: [Patient, Condition, Observation]\n'
const VIEWS = ['patient', 'condition', 'observation_component']
const KEY_FILE = 'key.jwk'

describe.each(NAMES)('a server like %s', (name) => {
  test('is read with its profile, changed and read again, and the tables equal one full load', async () => {
    const [clock, auth] = [new FastClock(), await demoKeyPair()]
    // Its limit of calls has a test of its own.
    const behaviour = { ...DEMO_SERVERS[name], callsPerMinute: 0 }
    const server = await startDemoServer({ patients: 3, seed: 5, clock, auth, behaviour })
    onTestFinished(() => server.stop())
    const source = `profile: ${name}
callsPerMinute: 100000
auth: { kind: private-key-jwt, clientId: ${auth.clientId}, keyFile: ${KEY_FILE} }
${GROUPS.has(name) ? 'level: group\ngroup: everyone' : 'level: system'}
${TYPES}`
    const makeLake = async () => {
      const made = await OpenLake.make(server.baseUrl, clock, VIEWS)
      await made.write(KEY_FILE, JSON.stringify(auth.privateJwk))
      return made
    }
    const lake = await makeLake()
    await lake.sync(source)
    await server.change({ percent: 5 })
    // Types that are held are caught up by the next run.
    await lake.sync(source)
    // What never reports deletions tells them only by a full export.
    if (DEMO_SERVERS[name].deletes === 'never') await lake.sync(source, true)
    expect(server.requests.authorizationAtStorage).toBe(0)
    const fresh = await makeLake()
    await fresh.sync(source)
    expect(await tableDigests(lake)).toEqual(await tableDigests(fresh))
    const patients = await lake.read('SELECT count(*) AS n FROM patient')
    expect(Number(patients[0]!.n)).toBe(server.store.counts().Patient)
  })
})

describe('a server that reads type after type, and whose transactionTime is when the job ended', () => {
  test('loses nothing that was written while it worked, though since its transactionTime it would not send it', async () => {
    const scenario = await Scenario.start(
      { patients: 6, seed: 2, behaviour: { ...DEMO_SERVERS.medplum, pollsBeforeDone: 0 } },
      `    profile: medplum\n    since: { overlapSeconds: 0 }\n    ${TYPES}`,
    )
    onTestFinished(() => scenario.stop())
    const child = scenario.spawn('sync')
    const written: string[] = []
    const writing = setInterval(() => {
      for (const resourceType of ['Patient', 'Condition', 'Observation']) {
        const { id } = scenario.server.store.create({ resourceType, subject: { reference: 'Patient/x' } })
        written.push(`${resourceType}/${id!}`)
      }
    }, 100)
    await new Promise<void>((resolve) => child.on('close', () => resolve()))
    clearInterval(writing)
    const known = async () =>
      new Set((await scenario.readInside(`SELECT type || '/' || id AS key FROM stoker.resource`)).map((row) => row.key))
    const transactionTime = (
      await scenario.readInside('SELECT max(transaction_time)::VARCHAR AS at FROM stoker.export')
    )[0]!.at as string
    const first = await known()
    const missed = written.filter((key) => !first.has(key))
    expect(missed.length).toBeGreaterThan(0)
    // What a client with transactionTime as its watermark would never have been sent.
    const lost = missed.filter((key) => {
      const [type, id] = key.split('/') as [string, string]
      return scenario.server.store.find(type, id)!.lastUpdatedMs <= Date.parse(transactionTime)
    })
    expect(lost.length).toBeGreaterThan(0)

    expect((await scenario.run('sync')).code).toBe(0)
    const second = await known()
    expect(written.filter((key) => !second.has(key))).toEqual([])
  })
})

/** Each known kind of server with its profile: whatever it does, the tables end as one full load would leave them. */
import { rm } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { DEMO_SERVERS, type DemoServerName } from '../../src/demo/demo-servers.ts'
import { Scenario } from './harness.ts'
import { tableDigests } from './table-digests.ts'

let scenario: Scenario
afterEach(() => scenario.stop())

const NAMES = Object.keys(DEMO_SERVERS) as DemoServerName[]
/** Servers, or profiles, of Groups alone, or whose Groups are the odd part. */
const GROUPS: ReadonlySet<DemoServerName> = new Set(['epic', 'google', 'bcda', 'group-only', 'hapi', 'oracle'])
const TYPES = '    types: [Patient, Condition, Observation]\n'

async function sync(...args: string[]) {
  const result = await scenario.run('sync', '--json', ...args)
  expect(result.stderr, result.stderr).not.toContain('what to do')
  // Held types (6) are caught up by the next run.
  expect([0, 6]).toContain(result.code)
  return result
}

describe.each(NAMES)('a server like %s', (name) => {
  test('is read with its profile, changed and read again, and the tables equal one full load', async () => {
    scenario = await Scenario.start(
      // Its limit of calls has a test of its own, on a clock that is not ours.
      { patients: 5, seed: 5, behaviour: { ...DEMO_SERVERS[name], callsPerMinute: 0 } },
      `    profile: ${name}\n    callsPerMinute: 100000\n${TYPES}${GROUPS.has(name) ? '    level: group\n    group: everyone\n' : ''}`,
    )
    await sync()
    await scenario.server.change({ percent: 5 })
    await sync()
    // What never reports deletions tells them only by a full export.
    if (DEMO_SERVERS[name].deletes === 'never') await sync('--full')
    const incremental = await tableDigests(scenario)
    expect(scenario.server.requests.authorizationAtStorage).toBe(0)
    await rm(scenario.lake, { recursive: true })
    await sync()
    expect(await tableDigests(scenario)).toEqual(incremental)
    const patients = await scenario.read('SELECT count(*) AS n FROM patient')
    expect(Number(patients[0]!.n)).toBe(scenario.server.store.counts().Patient)
  })
})

describe('a server that reads type after type, and whose transactionTime is when the job ended', () => {
  test('loses nothing that was written while it worked, though since its transactionTime it would not send it', async () => {
    scenario = await Scenario.start(
      { patients: 6, seed: 2, behaviour: { ...DEMO_SERVERS.medplum, pollsBeforeDone: 0 } },
      `    profile: medplum\n    since: { overlapSeconds: 0 }\n${TYPES}`,
    )
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

    await sync()
    const second = await known()
    expect(written.filter((key) => !second.has(key))).toEqual([])
  })
})

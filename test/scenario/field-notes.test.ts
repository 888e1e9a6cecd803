/** Field notes on real servers: what only a whole run can cope with, each note by the name of its server. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { DEMO_SERVERS } from '../../src/demo/demo-servers.ts'
import type { DemoBehaviour } from '../../src/demo/behaviour.ts'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import { FastClock } from '../bulk/fast-clock.ts'
import { alive, heldTypes, OpenLake, served } from './open-lake.ts'

const GROUP = 'level: group\ngroup: everyone\nauth: {kind: none}\ntypes: [Patient, Condition]\n'
const SYSTEM = GROUP.replace('level: group\ngroup: everyone', 'level: system')

interface Field {
  readonly server: DemoServer
  readonly lake: OpenLake
  readonly behave: (behaviour: Partial<DemoBehaviour>) => void
}

/** A demo server that behaves so, and a lake, on one clock. */
async function field(behaviour: Partial<DemoBehaviour>, patients = 3): Promise<Field> {
  const clock = new FastClock()
  const server = await startDemoServer({
    patients,
    seed: 4,
    clock,
    behaviour: { pollsBeforeDone: 0, callsPerMinute: 0, ...behaviour },
  })
  onTestFinished(() => server.stop())
  const lake = await OpenLake.make(server.baseUrl, clock)
  const behave = (more: Partial<DemoBehaviour>) => void (server.behaviour = { ...server.behaviour, ...more })
  return { server, lake, behave }
}

describe('Reference server', () => {
  const reference = { ...DEMO_SERVERS.reference, callsPerMinute: 0 }

  test('Reference server: an error entry that counts lost resources and has one line holds the watermarks', async () => {
    const messages = [{ severity: 'error', code: 'processing', count: 7 }]
    const { lake } = await field({ ...reference, messages })
    const outcome = await lake.sync(`profile: reference\n${SYSTEM}`)
    expect(heldTypes(outcome)).toEqual(['Condition', 'Patient'])
    expect(await lake.rows('SELECT severity, code, count FROM stoker.message')).toEqual([
      { severity: 'error', code: 'processing', count: 1 },
    ])
  })

  test('Reference server: a wrong count, an empty file, a file that goes on nowhere, deletions twice under a wrong type', async () => {
    const { lake, server } = await field(reference)
    expect(heldTypes(await lake.sync(`profile: reference\n${SYSTEM}`))).toEqual([])
    expect(lake.findings).toContain('COUNT_SHORT')
    const { store } = server
    const [patient] = store.versions(['Patient'])
    const conditions = [...store.versions(['Condition'])].slice(0, 3)
    for (const { type, id } of [...conditions, patient!]) store.remove(type, id)
    const { books } = await lake.sync(`profile: reference\n${SYSTEM}`)
    expect(books.types.map(({ type, deleted }) => [type, deleted])).toEqual([
      ['Condition', 3],
      ['Patient', 1],
    ])
    expect(await alive(lake)).toEqual(served(server))
  })

  test('Reference server: a Group that it no longer knows is an empty export, which removes nobody', async () => {
    const { lake, server } = await field(reference)
    const group = `profile: reference\n${GROUP}`
    await lake.sync(group)
    const before = await alive(lake)
    expect(before).toEqual(served(server))
    server.store.remove('Group', 'everyone')
    for (const full of [false, true]) {
      const outcome = await lake.sync(group, full)
      expect(heldTypes(outcome)).toEqual(['Condition', 'Patient'])
      expect(await alive(lake)).toEqual(before)
    }
  })
})

describe('Medplum', () => {
  const medplum = `profile: medplum\n${SYSTEM}`

  test('Medplum: addresses that expired before their turn are had anew from the manifest, and the files after them', async () => {
    const { lake, server } = await field({ ...DEMO_SERVERS.medplum, maxLinesPerFile: 4 })
    lake.onEvent = ({ kind }) => kind === 'landed' && lake.clock.pass(2 * 3_600_000)
    lake.events.length = 0
    expect(heldTypes(await lake.sync(medplum))).toEqual([])
    expect(await alive(lake)).toEqual(served(server))
    expect(server.requests.downloads).toBeGreaterThan(lake.events.filter(({ kind }) => kind === 'landed').length)
  })

  test("Medplum: its clients' secrets are listed, and not fetched", async () => {
    const { lake, server } = await field(DEMO_SERVERS.medplum)
    await lake.sync(medplum)
    expect(lake.findings).toEqual(['TYPE_UNASKED'])
    expect(server.requests.downloads).toBe(2)
    const names = await readdir(join(lake.folder, 'lake'), { recursive: true, withFileTypes: true })
    for (const entry of names.filter((each) => each.isFile())) {
      const bytes = await readFile(join(entry.parentPath, entry.name))
      expect(bytes.includes('demo-secret-in-clear'), entry.name).toBe(false)
    }
  })

  test('Medplum: a body that is ignored silently brings everything, of which only what was asked for is loaded', async () => {
    const { lake, server } = await field(DEMO_SERVERS.medplum)
    await lake.write('own.yaml', 'title: by POST\nkickOff: {method: POST}\nscope: none\ndeletions: never\n')
    await lake.sync(`profile: ./own.yaml\n${SYSTEM}`)
    expect(server.requests.kickOffLines).toEqual(['POST /fhir/$export'])
    expect(new Set(lake.findings)).toEqual(new Set(['TYPE_UNASKED']))
    expect(await alive(lake)).toEqual(served(server))
    expect(server.requests.downloads).toBe(2)
  })

  test('Medplum: an empty Group is 202 for ever: the run fails at its deadline, and the export is deleted', async () => {
    const { lake, server } = await field(DEMO_SERVERS.medplum)
    server.store.update({ resourceType: 'Group', id: 'nobody', type: 'person', actual: true })
    const yaml = `profile: medplum\n${GROUP.replace('everyone', 'nobody')}deadlineHours: 24\n`
    const before = lake.clock.now().getTime()
    await expect(lake.sync(yaml)).rejects.toMatchObject({ code: 'BULK_DEADLINE' })
    expect(Math.round((lake.clock.now().getTime() - before) / 3_600_000)).toBe(24)
    expect(server.requests.cancels).toBeGreaterThan(0)
    expect(await lake.rows('SELECT state, error_code FROM stoker.run')).toEqual([
      { state: 'failed', error_code: 'BULK_DEADLINE' },
    ])
  })
})

describe('the vendor with Groups only', () => {
  const vendor = `profile: group-only\n${GROUP}`

  test('The vendor with Groups only: a birthDate with a time, ids before resourceType, error files of application/json', async () => {
    const messages = [{ severity: 'warning', code: 'incomplete' }]
    const { lake, server } = await field({ ...DEMO_SERVERS['group-only'], messages })
    expect(heldTypes(await lake.sync(vendor))).toEqual([])
    expect(await alive(lake)).toEqual(served(server))
    const dates = await lake.rows<{ id: string; birth: string }>('SELECT id, birth_date::VARCHAR AS birth FROM patient')
    expect(dates.length).toBe(3)
    for (const { id, birth } of dates) {
      expect(birth).toBe((await server.store.get('Patient', id))!['birthDate'])
    }
    expect(await lake.rows('SELECT severity, code FROM stoker.message')).toEqual([
      { severity: 'warning', code: 'incomplete' },
    ])
    expect(lake.findings).toEqual([])
  })
})

describe('Epic', () => {
  test('Epic: two exports of one run share the one place there is, each deleted before the next is asked for', async () => {
    const { lake, server } = await field({ ...DEMO_SERVERS.epic, tokenFailures: 0 })
    const epic = `profile: epic\nsince: {mode: incremental}\n${GROUP}`
    await lake.sync(epic.replace(', Condition', ''))
    // The members, the type that is new and the one that is not: three exports.
    await lake.sync(epic)
    expect(server.requests.kickOffs).toBe(4)
    expect(server.requests.cancels).toBe(4)
    expect(await alive(lake)).toEqual(served(server))
    expect(lake.events.filter(({ kind }) => kind === 'delayed')).toEqual([])
  })

  test('Epic: without lastUpdated and versionId what was exported later is newer, and ids may have 88 characters', async () => {
    const id = 'e'.repeat(88)
    const long = { Patient: [`{"resourceType":"Patient","id":"${id}"}`] }
    const { lake, server } = await field({ ...DEMO_SERVERS.epic, tokenFailures: 0, malformedLines: long })
    const [version] = server.store.versions(['Patient'])
    const patient = (await server.store.get('Patient', version!.id))!
    for (const gender of ['male', 'female']) {
      server.store.update({ ...patient, gender })
      await lake.sync(`profile: epic\n${GROUP}`)
      lake.clock.pass(3_600_000)
      const rows = await lake.rows(`SELECT gender, _last_updated FROM patient WHERE id = '${version!.id}'`)
      expect(rows).toEqual([{ gender, _last_updated: null }])
    }
    expect(await alive(lake)).toContain(`Patient/${id}`)
  })
})

describe('Oracle', () => {
  test('Oracle: ids that come twice, files that answer 502 and 307, and a flag that is a text give each resource once', async () => {
    const { lake, server } = await field({ ...DEMO_SERVERS.oracle, maxLinesPerFile: 5 })
    const yaml = `profile: oracle\n${GROUP}`
    const { books } = await lake.sync(yaml)
    expect(heldTypes({ books })).toEqual([])
    const received = books.types.reduce((sum, type) => sum + type.received, 0)
    expect(received).toBeGreaterThan(served(server).length)
    expect(await alive(lake)).toEqual(served(server))
    expect(server.requests.authorizationAtStorage).toBe(0)
    expect(server.requests.redirects).toBeGreaterThan(3)
  })
})

describe('HAPI', () => {
  test('HAPI: a Group is asked for whole each time, for its increments lack what belongs to unchanged patients', async () => {
    const { lake, server } = await field(DEMO_SERVERS.hapi)
    const hapi = `profile: hapi\n${GROUP}`
    await lake.sync(hapi)
    const [patient] = server.store.versions(['Patient'])
    server.store.create({
      resourceType: 'Condition',
      id: 'of-an-unchanged-patient',
      subject: { reference: `Patient/${patient!.id}` },
    })
    await lake.sync(hapi)
    expect(server.requests.kickOffLines.filter((line) => line.includes('_since'))).toEqual([])
    expect(await alive(lake)).toEqual(served(server))
  })
})

describe('OpenEMR', () => {
  test('OpenEMR: a _since that is ignored is noticed and said, and what comes again changes nothing', async () => {
    const { lake, server } = await field({ ignoredParameters: ['_since'] })
    await lake.sync(SYSTEM)
    const { books } = await lake.sync(SYSTEM)
    expect(server.requests.kickOffLines[1]).toContain('_since=')
    expect(new Set(lake.findings)).toEqual(new Set(['OLDER_THAN_SINCE']))
    expect(books.types.map(({ inserted, updated, deleted }) => inserted + updated + deleted)).toEqual([0, 0])
    expect(await alive(lake)).toEqual(served(server))
  })
})

describe('BCDA', () => {
  test('BCDA: files that are gone after a day hold their types back, which the next run has whole', async () => {
    const { lake, server } = await field({ ...DEMO_SERVERS.bcda, maxLinesPerFile: 4 })
    const bcda = `profile: bcda\n${GROUP}`
    lake.onEvent = ({ kind }) => kind === 'landed' && lake.clock.pass(25 * 3_600_000)
    expect(heldTypes(await lake.sync(bcda)).length).toBeGreaterThan(0)
    lake.onEvent = () => undefined
    expect(heldTypes(await lake.sync(bcda))).toEqual([])
    expect(await alive(lake)).toEqual(served(server))
  })
})

describe('Bug of other clients, 6', () => {
  test('a file under its final name looked complete after a crash: one that broke off never gets it, and is had again', async () => {
    const { lake, server, behave } = await field({ gzip: false, cutAfterBytes: 3000, cuts: 1_000_000 })
    await expect(lake.sync(SYSTEM)).rejects.toMatchObject({ retryable: true })
    const names = await readdir(join(lake.folder, 'lake'), { recursive: true })
    expect(names.filter((name) => name.endsWith('.ndjson'))).toEqual([])
    behave({ cutAfterBytes: 0 })
    expect(await lake.sync(SYSTEM)).toMatchObject({ run: 1, resumed: true })
    expect(await alive(lake)).toEqual(served(server))
  })
})

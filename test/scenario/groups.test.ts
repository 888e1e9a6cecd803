/** Groups whose members change, between one run and the next. */
import { describe, expect, onTestFinished, test } from 'vitest'
import { findingText } from '../../src/worker/finding-text.ts'
import type { DemoBehaviour } from '../../src/demo/behaviour.ts'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import type { RunOutcome } from '../../src/worker/run.ts'
import { FastClock } from '../bulk/fast-clock.ts'
import { ended, Scenario } from './harness.ts'
import { OpenLake } from './open-lake.ts'
import { tableDigests } from './table-digests.ts'

const VIEWS = ['patient', 'condition']
const SOURCE = 'level: group\ngroup: study\ntypes: [Patient, Condition, Observation]\n'

let server: DemoServer
let lake: OpenLake
/** Of the source of this test. */
let source: string

/** Patient ids of the demo server, in its order. */
let patients: string[]

async function start(behaviour: Partial<DemoBehaviour>, groupChanges: string): Promise<void> {
  const clock = new FastClock()
  const plain = { pollsBeforeDone: 0, callsPerMinute: 0 }
  server = await startDemoServer({ patients: 6, seed: 9, clock, behaviour: { ...plain, ...behaviour } })
  onTestFinished(() => server.stop())
  lake = await OpenLake.make(server.baseUrl, clock, VIEWS)
  source = `${SOURCE}auth: {kind: none}\ngroupChanges: ${groupChanges}\n`
  begin(server)
}

/** Half of the patients of the server are in the Group. */
function begin(of: DemoServer): void {
  server = of
  patients = [...server.store.versions(['Patient'])].map(({ id }) => id)
  setMembers(patients.slice(0, 3))
}

function setMembers(ids: readonly string[]): void {
  const member = ids.map((id) => ({ entity: { reference: `Patient/${id}` } }))
  server.store.update({ resourceType: 'Group', id: 'study', type: 'person', actual: true, member })
}

async function sync(full = false): Promise<RunOutcome & { readonly said: readonly string[] }> {
  lake.events.length = 0
  const outcome = await lake.sync(source, full)
  return { ...outcome, said: lake.events.flatMap((event) => (event.kind === 'finding' ? [findingText(event)] : [])) }
}

/** As `sync`, of a run that holds nothing back. */
async function syncAll(full = false): Promise<readonly string[]> {
  const { books, said } = await sync(full)
  expect(books.types.filter(({ held }) => held !== null)).toEqual([])
  return said
}

const held = async () => (await lake.read('SELECT id FROM patient ORDER BY id')).map(({ id }) => id as string)
const conditionsOf = async (id: string, of: Pick<OpenLake, 'read'> = lake) =>
  Number((await of.read(`SELECT count(*) AS n FROM condition WHERE patient_key LIKE '%/Patient/${id}'`))[0]!.n)
const servedConditionsOf = (id: string) =>
  [...server.store.versions(['Condition'])].filter((version) => version.patients.includes(id)).length

describe('a patient who joins brings the whole history', () => {
  test('by the parameter patient, where the server can: the others stay incremental', async () => {
    await start({}, '{ newcomers: patient, leavers: remove }')
    await syncAll()
    setMembers(patients.slice(0, 4))
    const said = await syncAll()
    expect(said).toContain('1 patient joined the Group')
    expect(await conditionsOf(patients[3]!)).toBe(servedConditionsOf(patients[3]!))
    expect(await held()).toEqual(patients.slice(0, 4).sort())
    const [, members, changes, newcomers] = server.requests.kickOffLines
    expect(members).toMatch(/^GET .*_elements=id/)
    expect(changes).toMatch(/_since=/)
    expect(newcomers).toMatch(/^POST /)
    expect(await lake.rows('SELECT count(*) AS n FROM stoker.export WHERE whole')).toEqual([{ n: 1 }])
  })

  test('by a whole export of the Group, where it can not', async () => {
    await start({ ignoredParameters: ['patient'] }, '{ newcomers: group, leavers: remove }')
    await syncAll()
    setMembers(patients.slice(0, 4))
    await syncAll()
    expect(await conditionsOf(patients[3]!)).toBe(servedConditionsOf(patients[3]!))
    await syncAll()
    const kickOffs = server.requests.kickOffLines
    // first load; members and whole; members and changes
    expect(kickOffs.map((line) => /_since=/.test(line))).toEqual([false, false, false, false, true])
  })

  test('by itself, where the server sends it unasked: nothing more is asked', async () => {
    await start({ groupSince: 'newcomers-whole' }, '{ newcomers: included, leavers: keep }')
    await syncAll()
    setMembers(patients.slice(0, 4))
    await syncAll()
    expect(await conditionsOf(patients[3]!)).toBe(servedConditionsOf(patients[3]!))
    expect(server.requests.kickOffs).toBe(2)
  })

  test('though the process is killed between the list of members and the newcomers', async () => {
    const configured = `    ${SOURCE.trim().replaceAll('\n', '\n    ')}\n    groupChanges: { newcomers: patient }\n`
    const scenario = await Scenario.start({ patients: 6, seed: 9, views: VIEWS }, configured)
    onTestFinished(() => scenario.stop())
    begin(scenario.server)
    const run = async () => expect(await scenario.run('sync')).toMatchObject({ code: 0 })
    await run()
    setMembers(patients.slice(0, 4))
    const { behaviour } = server
    server.behaviour = { ...behaviour, neverDone: true }
    const child = scenario.spawn('sync')
    child.stderr!.on('data', (text: string) => text.includes('working') && child.kill('SIGKILL'))
    expect(await ended(child)).toMatchObject({ signal: 'SIGKILL' })
    server.behaviour = behaviour
    await run()
    expect(await conditionsOf(patients[3]!, scenario)).toBe(servedConditionsOf(patients[3]!))
  })
})

describe('a patient who leaves', () => {
  test('goes with all that belongs to the patient, and comes back with it', async () => {
    await start({}, '{ newcomers: patient, leavers: remove }')
    await syncAll()
    setMembers(patients.slice(1, 3))
    expect(await syncAll()).toContain('1 patient left the Group')
    expect(await held()).toEqual(patients.slice(1, 3).sort())
    expect(await conditionsOf(patients[0]!)).toBe(0)
    setMembers(patients.slice(0, 3))
    await syncAll()
    expect(await conditionsOf(patients[0]!)).toBe(servedConditionsOf(patients[0]!))
    const rejoined = await tableDigests(lake)
    const fresh = await OpenLake.make(server.baseUrl, lake.clock, VIEWS)
    await fresh.sync(source)
    expect(await tableDigests(fresh)).toEqual(rejoined)
  })

  test('goes too where the server sends the history of newcomers unasked', async () => {
    await start({ groupSince: 'newcomers-whole' }, '{ newcomers: included, leavers: remove }')
    await syncAll()
    setMembers(patients.slice(1, 4))
    expect(await syncAll()).toContain('1 patient left the Group')
    expect(await held()).toEqual(patients.slice(1, 4).sort())
    expect(await conditionsOf(patients[0]!)).toBe(0)
    expect(await conditionsOf(patients[3]!)).toBe(servedConditionsOf(patients[3]!))
  })

  test('is not believed to have left when the server lists nobody at all, in an increment or a full run', async () => {
    await start({}, '{ newcomers: patient }')
    await syncAll()
    setMembers([])
    for (const full of [false, true]) {
      const reasons = (await sync(full)).books.types.map((type) => type.held)
      expect(reasons).toContainEqual(expect.stringContaining('the server names no member of the Group at all'))
      expect(await held()).toEqual(patients.slice(0, 3).sort())
    }
    setMembers(patients.slice(0, 2))
    await syncAll()
    expect(await held()).toEqual(patients.slice(0, 2).sort())
  })

  test('stays where that is asked for, a whole export or not, and both are in the ledger', async () => {
    await start({}, '{ newcomers: patient, leavers: keep }')
    await syncAll()
    setMembers(patients.slice(1, 4))
    await syncAll()
    await syncAll(true)
    expect(await held()).toEqual(patients.slice(0, 4).sort())
    expect(await conditionsOf(patients[0]!)).toBe(servedConditionsOf(patients[0]!))
    const members = await lake.rows(
      'SELECT patient, joined_run, left_run FROM stoker.member ORDER BY joined_run, patient',
    )
    expect(members.filter(({ left_run }) => left_run !== null)).toEqual([
      { patient: patients[0], joined_run: 1, left_run: 2 },
    ])
    expect(members.filter(({ joined_run }) => joined_run === 2)).toEqual([
      { patient: patients[3], joined_run: 2, left_run: null },
    ])
  })

  test('and stayed comes back without what was deleted meanwhile', async () => {
    await start({ deletes: 'never' }, '{ newcomers: patient, leavers: keep }')
    await syncAll()
    setMembers(patients.slice(1, 3))
    await syncAll()
    const before = await conditionsOf(patients[0]!)
    const [deleted] = [...server.store.versions(['Condition'])].filter((each) => each.patients.includes(patients[0]!))
    server.store.remove('Condition', deleted!.id)
    setMembers(patients.slice(0, 3))
    await syncAll()
    expect(await conditionsOf(patients[0]!)).toBe(before - 1)
  })
})

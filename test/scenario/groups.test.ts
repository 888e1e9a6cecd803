/** Groups whose members change, between one run and the next. */
import { rm } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { DemoBehaviour } from '../../src/demo/behaviour.ts'
import { Scenario } from './harness.ts'
import { tableDigests } from './table-digests.ts'

let scenario: Scenario
afterEach(() => scenario.stop())

const SOURCE = `    level: group
    group: study
    types: [Patient, Condition, Observation]
`

/** Patient ids of the demo server, in its order. */
let patients: string[]

async function start(behaviour: Partial<DemoBehaviour>, source: string): Promise<void> {
  scenario = await Scenario.start({ patients: 6, seed: 9, behaviour }, SOURCE + source)
  patients = [...scenario.server.store.versions(['Patient'])].map(({ id }) => id)
  setMembers(patients.slice(0, 3))
}

function setMembers(ids: readonly string[]): void {
  const member = ids.map((id) => ({ entity: { reference: `Patient/${id}` } }))
  scenario.server.store.update({ resourceType: 'Group', id: 'study', type: 'person', actual: true, member })
}

async function sync(...args: string[]) {
  const result = await scenario.run('sync', '--json', ...args)
  expect(result.code, result.stderr).toBe(0)
  return result.stderr
}

const held = async () => (await scenario.read('SELECT id FROM patient ORDER BY id')).map(({ id }) => id as string)
const conditionsOf = async (id: string) =>
  Number((await scenario.read(`SELECT count(*) AS n FROM condition WHERE patient_key = 'demo/Patient/${id}'`))[0]!.n)
const servedConditionsOf = (id: string) =>
  [...scenario.server.store.versions(['Condition'])].filter((version) => version.patients.includes(id)).length

describe('a patient who joins brings the whole history', () => {
  test('by the parameter patient, where the server can: the others stay incremental', async () => {
    await start({}, '    groupChanges: { newcomers: patient, leavers: remove }\n')
    await sync()
    setMembers(patients.slice(0, 4))
    const said = await sync()
    expect(said).toContain('1 patient joined the Group')
    expect(await conditionsOf(patients[3]!)).toBe(servedConditionsOf(patients[3]!))
    expect(await held()).toEqual(patients.slice(0, 4).sort())
    const [, members, changes, newcomers] = scenario.server.requests.kickOffLines
    expect(members).toMatch(/^GET .*_elements=id/)
    expect(changes).toMatch(/_since=/)
    expect(newcomers).toMatch(/^POST /)
    expect(await scenario.readInside('SELECT count(*) AS n FROM stoker.export WHERE whole')).toEqual([{ n: '1' }])
  })

  test('by a whole export of the Group, where it can not', async () => {
    await start({ ignoredParameters: ['patient'] }, '    groupChanges: { newcomers: group, leavers: remove }\n')
    await sync()
    setMembers(patients.slice(0, 4))
    await sync()
    expect(await conditionsOf(patients[3]!)).toBe(servedConditionsOf(patients[3]!))
    await sync()
    const kickOffs = scenario.server.requests.kickOffLines
    // first load; members and whole; members and changes
    expect(kickOffs.map((line) => /_since=/.test(line))).toEqual([false, false, false, false, true])
  })

  test('by itself, where the server sends it unasked: nothing more is asked', async () => {
    await start({ groupSince: 'newcomers-whole' }, '    groupChanges: { newcomers: included, leavers: keep }\n')
    await sync()
    setMembers(patients.slice(0, 4))
    await sync()
    expect(await conditionsOf(patients[3]!)).toBe(servedConditionsOf(patients[3]!))
    expect(scenario.server.requests.kickOffs).toBe(2)
  })

  test('though the process is killed between the list of members and the newcomers', async () => {
    await start({}, '    groupChanges: { newcomers: patient }\n')
    await sync()
    setMembers(patients.slice(0, 4))
    scenario.server.behaviour = { ...scenario.server.behaviour, neverDone: true }
    const child = scenario.spawn('sync')
    await new Promise<void>((resolve) =>
      child.stderr!.on('data', (text: string) => text.toString().includes('working') && resolve()),
    )
    child.kill('SIGKILL')
    await new Promise<void>((resolve) => child.on('close', () => resolve()))
    scenario.server.behaviour = { ...scenario.server.behaviour, neverDone: false }
    await sync()
    expect(await conditionsOf(patients[3]!)).toBe(servedConditionsOf(patients[3]!))
  })
})

describe('a patient who leaves', () => {
  test('goes with all that belongs to the patient, and comes back with it', async () => {
    await start({}, '    groupChanges: { newcomers: patient, leavers: remove }\n')
    await sync()
    setMembers(patients.slice(1, 3))
    expect(await sync()).toContain('1 patient left the Group')
    expect(await held()).toEqual(patients.slice(1, 3).sort())
    expect(await conditionsOf(patients[0]!)).toBe(0)
    setMembers(patients.slice(0, 3))
    await sync()
    expect(await conditionsOf(patients[0]!)).toBe(servedConditionsOf(patients[0]!))
    const rejoined = await tableDigests(scenario)
    await rm(scenario.lake, { recursive: true })
    await sync()
    expect(await tableDigests(scenario)).toEqual(rejoined)
  })

  test('goes too where the server sends the history of newcomers unasked', async () => {
    await start({ groupSince: 'newcomers-whole' }, '    groupChanges: { newcomers: included, leavers: remove }\n')
    await sync()
    setMembers(patients.slice(1, 4))
    expect(await sync()).toContain('1 patient left the Group')
    expect(await held()).toEqual(patients.slice(1, 4).sort())
    expect(await conditionsOf(patients[0]!)).toBe(0)
    expect(await conditionsOf(patients[3]!)).toBe(servedConditionsOf(patients[3]!))
  })

  test('is not believed to have left when the server lists nobody at all, in an increment or a full run', async () => {
    await start({}, '    groupChanges: { newcomers: patient }\n')
    await sync()
    setMembers([])
    for (const args of [[], ['--full']]) {
      const result = await scenario.run('sync', '--json', ...args)
      expect(result.code, result.stderr).toBe(6)
      expect(result.stdout).toContain('the server names no member of the Group at all')
      expect(await held()).toEqual(patients.slice(0, 3).sort())
    }
    setMembers(patients.slice(0, 2))
    await sync()
    expect(await held()).toEqual(patients.slice(0, 2).sort())
  })

  test('stays where that is asked for, a whole export or not, and both are in the ledger', async () => {
    await start({}, '    groupChanges: { newcomers: patient, leavers: keep }\n')
    await sync()
    setMembers(patients.slice(1, 4))
    await sync()
    await sync('--full')
    expect(await held()).toEqual(patients.slice(0, 4).sort())
    expect(await conditionsOf(patients[0]!)).toBe(servedConditionsOf(patients[0]!))
    const members = await scenario.readInside(
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
    await start({ deletes: 'never' }, '    groupChanges: { newcomers: patient, leavers: keep }\n')
    await sync()
    setMembers(patients.slice(1, 3))
    await sync()
    const before = await conditionsOf(patients[0]!)
    const [deleted] = [...scenario.server.store.versions(['Condition'])].filter((each) =>
      each.patients.includes(patients[0]!),
    )
    scenario.server.store.remove('Condition', deleted!.id)
    setMembers(patients.slice(0, 3))
    await sync()
    expect(await conditionsOf(patients[0]!)).toBe(before - 1)
  })
})

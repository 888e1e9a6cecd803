/** A process that is killed, wherever it stands: the next start goes on to the tables of an undisturbed run. */
import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { DemoBehaviour } from '../../src/demo/behaviour.ts'
import { ended, FEW_VIEWS, Scenario, type Ended } from './harness.ts'
import { tableDigests } from './table-digests.ts'

/** Enough for a merge and a publication in whose midst a signal arrives. */
const VIEWS = [...FEW_VIEWS, 'observation_component', 'encounter', 'procedure']

let scenario: Scenario
let plain: DemoBehaviour
let undisturbed: Record<string, string>
let kickOffsBefore: number

beforeAll(async () => {
  const types = '    types: [Patient, Condition, Observation, Encounter, Procedure]\n'
  scenario = await Scenario.start({ patients: 6, seed: 7, views: VIEWS }, types)
  plain = scenario.server.behaviour
  await sync()
  undisturbed = await tableDigests(scenario)
})
afterAll(() => scenario.stop())

/** Each test has the server for itself, and a lake of its own. */
beforeEach(async () => {
  await rm(scenario.lake, { recursive: true })
  kickOffsBefore = scenario.server.requests.kickOffs
})

const behave = (odd: Partial<DemoBehaviour>) => (scenario.server.behaviour = { ...plain, ...odd })

async function sync() {
  const { code, stdout, stderr } = await scenario.run('sync', '--json')
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('what to do')])
  const { sources } = JSON.parse(stdout) as { sources: [{ run: number; resumed: boolean }] }
  return sources[0]
}

/** A run that is killed as soon as what it says, so far, has the sign in it. */
async function killedAt(sign: RegExp): Promise<void> {
  const child = scenario.spawn('sync')
  let said = ''
  child.stderr!.on('data', (text: string) => {
    said += text
    if (sign.test(said)) child.kill('SIGKILL')
  })
  expect(await ended(child), said).toMatchObject({ signal: 'SIGKILL' } satisfies Partial<Ended>)
}

async function expectToGoOn(): Promise<void> {
  expect(await sync()).toMatchObject({ run: 1, resumed: true })
  expect(scenario.server.requests.kickOffs - kickOffsBefore).toBe(1)
  expect(await tableDigests(scenario)).toEqual(undisturbed)
}

test('killed while files are downloading, the next start finishes the same export, with the result of an undisturbed run', async () => {
  behave({ filesPerType: 3, gzip: false, downloadBytesPerSecond: 20_000 })
  // Some files have landed and others are on their way.
  await killedAt(/(landed[^]*){2}/)
  const [counts] = await scenario.readInside(
    `SELECT count(*) FILTER (state = 'landed') AS landed, count(*) AS files FROM stoker.file`,
  )
  const [landed, files] = [Number(counts!.landed), Number(counts!.files)]
  expect(landed).toBeGreaterThan(0)
  expect(landed).toBeLessThan(files)
  const downloads = scenario.server.requests.downloads

  behave({ filesPerType: 3, gzip: false })
  await expectToGoOn()
  expect(scenario.server.requests.downloads - downloads).toBeLessThan(files)
})

test.each([
  ['merges', /file (\d+) of \1\)/],
  ['publishes', /committed:/],
  ['releases the export', /published snapshot/],
])('killed while it %s, the next start goes on there, with the result of an undisturbed run', async (_, sign) => {
  // Releases for a while.
  behave({ releaseStatus: 503 })
  await killedAt(sign)
  behave({})
  await expectToGoOn()
})

test('killed while the server works, the next start waits on for the same export', async () => {
  behave({ neverDone: true })
  await killedAt(/working/)
  behave({})
  await expectToGoOn()
})

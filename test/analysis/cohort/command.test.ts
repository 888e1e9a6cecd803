/** `stoker cohort`, as a user types it. */
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Database } from '../../../src/store/database.ts'
import { stokerIn } from '../../cli/command.ts'
import { Scenario } from '../../scenario/harness.ts'

let scenario: Scenario
afterEach(() => scenario.stop())

const stoker = (...words: string[]) => stokerIn(scenario.folder, ...words)

const VIEWS = ['patient', 'condition']
const DIABETIC = `-- title: Diabetes
-- description: Everybody with type 2 diabetes.
-- codes:
--   SNOMED CT 44054006 Diabetes mellitus type 2
-- parameter wanted VARCHAR = '44054006'  the code

SELECT patient_key FROM condition WHERE code = $wanted`

test('cohorts are run, listed, shown and compared; keys are shown to those who ask for them', async () => {
  scenario = await Scenario.start({ patients: 12, seed: 5, views: VIEWS }, '    types: [Patient, Condition]\n')
  expect(await stoker('sync')).toMatchObject({ code: 0 })
  expect(await stoker('cohort', 'run')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('add cohorts: [my-cohorts] to it') as string,
  })
  expect((await stoker('cohort', 'list')).stdout).toMatch(/^no cohort yet/)
  await mkdir(join(scenario.folder, 'own'))
  await writeFile(join(scenario.folder, 'own', 'diabetes.sql'), DIABETIC)
  await appendFile(scenario.config, 'cohorts: [own]\n')
  expect((await stoker('cohort', 'list')).stdout).toMatch(/^diabetes +not run yet$/m)

  const wrong = await stoker('cohort', 'run', 'diabets')
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean diabetes?') as string })
  const counted = await stoker('cohort', 'run', '--dry-run', '--set', 'wanted=59621000', '--json')
  const { cohorts } = JSON.parse(counted.stdout) as { cohorts: [{ members: number; null_keys: number }] }
  const [{ count }] = (await scenario.read(
    `SELECT count(DISTINCT patient_key)::INTEGER AS count FROM condition WHERE code = '59621000'`,
  )) as [{ count: number }]
  expect(cohorts).toMatchObject([{ cohort: 'diabetes', members: count, parameters: { wanted: '59621000' } }])
  expect(await stoker('cohort', 'run', '--set', 'wanted=1')).toMatchObject({ code: 2 })

  const ran = await stoker('cohort', 'run')
  expect(ran).toMatchObject({ code: 0, stderr: 'diabetes (1 of 1) …\n' })
  expect(ran.stdout).toMatch(/^diabetes +(\d+) +\1 +0 /m)
  const keys = (await stoker('cohort', 'show', 'diabetes', '--members')).stdout.trimEnd().split('\n')
  for (const key of keys) expect(key).toMatch(/^demo\/Patient\/\S+$/)
  for (const words of [['list'], ['show', 'diabetes']])
    expect((await stoker('cohort', ...words)).stdout).not.toContain('demo/Patient/')

  // One is cured, whatever doctors say.
  const [{ id }] = (await scenario.read(
    `SELECT id FROM condition WHERE code = '44054006' AND patient_key = '${keys[0]}'`,
  )) as [{ id: string }]
  await fetch(new URL(`/control/resource/Condition/${id}`, scenario.server.baseUrl), { method: 'DELETE' })
  expect(await stoker('sync', '--full')).toMatchObject({ code: 0 })
  await writeFile(join(scenario.folder, 'own', 'broken.sql'), '-- title: x\nSELECT 1')
  const again = await stoker('cohort', 'run', '--json')
  expect(again).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/own\/broken\.sql:1: there is no desc/) as string,
  })
  expect(JSON.parse(again.stdout)).toMatchObject({
    snapshot: 2,
    cohorts: [{ cohort: 'diabetes', kind: 'done', members: keys.length - 1, entered: 0, left: 1 }],
    mistakes: [{ name: 'broken', line: 1 }],
  })
  const diff = ['cohort', 'diff', 'diabetes', '--from', '1', '--to', '2']
  expect((await stoker(...diff)).stdout).toMatch(/entered +0\n +left +1\n +stayed +\d+\n$/)
  const last = await stoker('cohort', 'diff', 'diabetes')
  expect(last.stdout).toBe((await stoker(...diff)).stdout)
  expect((await stoker('cohort', 'diff', 'diabetes', '--to', '1')).stderr).toContain('code: COHORT_ONE_RUN')
  expect((await stoker(...diff, '--members')).stdout).toBe(`- ${keys[0]}\n`)
  const before = await stoker('cohort', 'show', 'diabetes', '--members', '--snapshot', '1')
  expect(before.stdout.trimEnd().split('\n')).toEqual(keys)

  // While somebody writes: sizes as of the newest snapshot, and no members. Locks are between processes.
  const database = await Database.open({ path: join(scenario.lake, 'warehouse.duckdb'), memoryLimitBytes: 128 << 20 })
  try {
    const listed = await scenario.run('cohort', 'list', '--lake', scenario.lake, '--json')
    expect(JSON.parse(listed.stdout)).toMatchObject({
      live: false,
      cohorts: [{ name: 'diabetes', file: null, last: { snapshot: 1, members: keys.length, parameters: null } }],
    })
    for (const words of [diff, ['cohort', 'run']]) expect(await scenario.run(...words)).toMatchObject({ code: 5 })
  } finally {
    database.close()
  }
})

test('the examples are copied once, and what is there stays', async () => {
  scenario = await Scenario.start({ patients: 1, views: VIEWS })
  expect((await stoker('cohort', 'examples')).stdout).toMatch(/^statin-gap +\S.*config\/cohorts\/statin-gap\.sql$/m)
  const own = join(scenario.folder, 'mine')
  await mkdir(own)
  await writeFile(join(own, 'statin-gap.sql'), 'mine')
  const { stdout } = await stoker('cohort', 'examples', 'mine')
  expect(stdout).toContain('statin-gap.sql was there, and stays as it is')
  expect(stdout).toContain('cohorts: [mine]')
  expect(await readFile(join(own, 'statin-gap.sql'), 'utf8')).toBe('mine')
  expect(await readFile(join(own, 'ckd-by-egfr.sql'), 'utf8')).toContain('-- title: Chronic kidney disease')
})

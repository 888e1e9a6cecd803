/** The examples that come with Stoker, over real snapshots: the demo's synthetic patients, and Synthea's. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { readCohorts } from '../../../src/analysis/cohort/library.ts'
import type { CohortDefinition } from '../../../src/analysis/cohort/definition.ts'
import { syntheticResources } from '../../../src/demo/synthetic/population.ts'
import { stokerIn } from '../../cli/command.ts'
import { Scenario } from '../../scenario/harness.ts'
import { BY_HAND, type Resources, type Values } from './by-hand.ts'

const EXAMPLES = new URL('../../../config/cohorts/', import.meta.url).pathname
const SYNTHEA = new URL('../../../../shared/data/synthea-100.ndjson.tgz', import.meta.url).pathname

/** All that the examples read. */
const VIEWS = [
  ...['patient', 'encounter', 'condition', 'condition_coding', 'observation', 'observation_coding', 'blood_pressure'],
  ...['medication', 'medication_coding', 'medication_request', 'medication_request_coding'],
]
const TYPES = '    types: [Patient, Encounter, Condition, Observation, Medication, MedicationRequest]\n'

let scenario: Scenario | undefined
let folder: string | undefined
afterEach(async () => {
  await scenario?.stop()
  if (folder !== undefined) await rm(folder, { recursive: true })
  scenario = folder = undefined
})

test('each names in its header the codes that its SELECT looks for, and says what is simplified', async () => {
  const { definitions, mistakes } = await readCohorts([EXAMPLES])
  expect(mistakes).toEqual([])
  expect(definitions.map(({ name }) => name)).toEqual(Object.keys(BY_HAND).sort())
  for (const { name, codes, sql, simplified, description, parameters } of definitions) {
    expect(simplified, name).toMatch(/^After .{40}/)
    expect(description, name).toMatch(/\.$/)
    expect(parameters.map((each) => each.name)).toContain('as_of')
    const words = new Set(sql.match(/[A-Za-z0-9-]+(?:\.[0-9]+)?/g))
    for (const { code } of codes) expect(words, `${name} ${code}`).toContain(code.replace('*', ''))
    // What looks like a code of these systems is one of the header's.
    const used = sql.match(/(?<=['(|])(?:[A-Z]\d\d(?:\.\d+)?|\d{4,}|\d+-\d)(?=['|)])/g) ?? []
    const named = new Set(codes.map(({ code }) => code.replace('*', '')))
    expect(
      used.filter((each) => !named.has(each)),
      name,
    ).toEqual([])
  }
})

/** A lake with what the server has, and the examples with these values in their headers. */
async function syncExamples(started: Scenario, values: Values): Promise<readonly CohortDefinition[]> {
  expect(await stokerIn(started.folder, 'sync')).toMatchObject({ code: 0 })
  expect(await stokerIn(started.folder, 'cohort', 'examples', 'cohorts')).toMatchObject({ code: 0 })
  await appendFile(started.config, 'cohorts: [cohorts]\n')
  const own = join(started.folder, 'cohorts')
  for (const name of await readdir(own)) {
    let text = await readFile(join(own, name), 'utf8')
    for (const [parameter, value] of Object.entries(values))
      text = text.replace(new RegExp(`(-- parameter ${parameter} [A-Z]+ = )\\S+`), `$1${value}`)
    await writeFile(join(own, name), text)
  }
  return (await readCohorts([own])).definitions
}

interface RunJson {
  readonly snapshot: number
  readonly cohorts: readonly { readonly cohort: string }[]
}

/** Runs them over the newest snapshot. @returns sizes by name, after each was found to be what the resources say */
async function compare(
  started: Scenario,
  definitions: readonly CohortDefinition[],
  resources: Resources,
): Promise<Record<string, number>> {
  const ran = await stokerIn(started.folder, 'cohort', 'run', '--json')
  expect(ran.code, ran.stderr).toBe(0)
  const { cohorts } = JSON.parse(ran.stdout) as RunJson
  const kept = await started.readInside(
    'SELECT cohort, patient_key FROM stoker.cohort_member WHERE left_at IS NULL ORDER BY ALL',
  )
  const sizes: Record<string, number> = {}
  for (const { name, parameters } of definitions) {
    const values = Object.fromEntries(parameters.map((each) => [each.name, Number(each.value)]))
    const expected = BY_HAND[name]!(resources, values).map((id) => `demo/Patient/${id}`)
    expect(
      kept.filter(({ cohort }) => cohort === name).map(({ patient_key }) => patient_key),
      name,
    ).toEqual(expected)
    expect(cohorts.find(({ cohort }) => cohort === name)).toMatchObject({ kind: 'done', members: expected.length })
    sizes[name] = expected.length
  }
  return sizes
}

function byType(resources: Iterable<{ readonly resourceType: string }>): Resources {
  const types: Record<string, unknown[]> = {}
  for (const each of resources) (types[each.resourceType] ??= []).push(each)
  return types
}

/** What the demo's patients have too rarely: opioids, and stays that follow one another. */
function* handMade() {
  const day = (text: string) => `2025-${text}T12:00:00Z`
  for (const id of ['again', 'late', 'moved', 'dead', 'child'])
    yield { resourceType: 'Patient', id, birthDate: id === 'child' ? '2015-06-01' : '1960-06-01' }
  const stay = (of: string, from: string, to: string, disposition?: string) => ({
    resourceType: 'Encounter',
    id: `${of}-${from}`,
    status: 'finished',
    class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' },
    subject: { reference: `Patient/${of}` },
    period: { start: day(from), end: day(to) },
    ...(disposition && { hospitalization: { dischargeDisposition: { coding: [{ code: disposition }] } } }),
  })
  yield* [stay('again', '03-01', '03-05'), stay('again', '04-04', '04-06')]
  yield* [stay('late', '03-01', '03-05'), stay('late', '04-05', '04-06')]
  yield* [stay('moved', '03-01', '03-05'), stay('moved', '03-05', '03-09')]
  yield* [stay('dead', '03-01', '03-05', 'exp'), stay('dead', '03-07', '03-09')]
  const order = (of: string, on: string, display: string) => ({
    resourceType: 'MedicationRequest',
    id: `${of}-${on}`,
    status: 'completed',
    intent: 'order',
    subject: { reference: `Patient/${of}` },
    authoredOn: day(on),
    medicationCodeableConcept: {
      coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '835603', display }],
    },
  })
  const tramadol = 'tramadol hydrochloride 50 MG Oral Tablet'
  yield* [order('again', '02-01', tramadol), order('again', '06-01', tramadol)]
  yield* [order('late', '06-01', 'apomorphine hydrochloride 10 MG/ML'), order('child', '06-01', tramadol)]
}

test("whatever becomes of deleted resources, over the demo's patients and some more they find whom the resources themselves tell", async () => {
  const hand = [...handMade()]
  folder = await mkdtemp(join(tmpdir(), 'stoker-examples-'))
  const resources = [...syntheticResources(150, 3), ...hand]
  for (const [type, all] of Object.entries(byType(resources)))
    await writeFile(join(folder, `${type}.ndjson`), all.map((each) => `${JSON.stringify(each)}\n`).join(''))
  scenario = await Scenario.start({ data: folder, views: VIEWS }, `${TYPES}deletions: keep\n`)
  const definitions = await syncExamples(scenario, { hba1c_above: 7 })
  const sizes = await compare(scenario, definitions, byType(resources))
  for (const [name, found] of Object.entries(sizes)) expect(found, name).toBeGreaterThan(0)

  const { store } = scenario.server
  const isGone = ({ id }: { readonly id?: string }, n: number) => n % 3 === 0 && !/again/.test(id!)
  const gone = resources.filter((each, n) => TYPES.includes(each.resourceType) && isGone(each, n))
  for (const { resourceType, id } of gone) store.remove(resourceType, id!)
  const alive = byType(resources.filter((each) => !gone.includes(each)))
  expect(await scenario.run('sync')).toMatchObject({ code: 0 })
  const left = await compare(scenario, definitions, alive)
  expect(left).not.toEqual(sizes)
  // The rows are there, for whoever asks for them.
  const [kept] = await scenario.read('SELECT count(_deleted_at) AS rows FROM encounter')
  expect(Number(kept!.rows)).toBeGreaterThan(0)

  const config = await readFile(scenario.config, 'utf8')
  await writeFile(scenario.config, config.replace('deletions: keep', 'deletions: remove'))
  expect(await scenario.run('rebuild', '--allow-breaking')).toMatchObject({ code: 0 })
  expect(await compare(scenario, definitions, alive)).toEqual(left)
})

test("over Synthea's patients they find whom the resources themselves tell, whenever that was", async ({ skip }) => {
  if (!existsSync(SYNTHEA)) skip('../shared/data has no Synthea patients here')
  folder = await mkdtemp(join(tmpdir(), 'stoker-synthea-'))
  expect(spawnSync('tar', ['xzf', SYNTHEA, '-C', folder]).status).toBe(0)
  const data = join(folder, 'synthea-100')
  const read = async (type: string) =>
    (await readFile(join(data, `${type}.000.ndjson`), 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { resourceType: string })
  const types = ['Patient', 'Encounter', 'Condition', 'Observation', 'MedicationRequest']
  const resources = byType((await Promise.all(types.map(read))).flat())
  scenario = await Scenario.start({ data, views: VIEWS }, TYPES.replace(' Medication,', ''))
  const definitions = await syncExamples(scenario, {
    lookback_days: 20_000,
    hba1c_above: 3,
    age_max: 120,
    within_days: 365,
  })
  const sizes = await compare(scenario, definitions, resources)
  for (const [name, found] of Object.entries(sizes)) expect(found, name).toBeGreaterThan(0)
})

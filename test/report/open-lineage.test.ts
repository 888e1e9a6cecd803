/** OpenLineage events of real runs: what is told of each kind of end, and that nothing is lost or told twice. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Dataset } from '../../src/report/open-lineage/datasets.ts'
import type { LineageEvent } from '../../src/report/open-lineage/run-events.ts'
import { stokerIn } from '../cli/command.ts'
import { ended, Scenario } from '../scenario/harness.ts'
import { PUBLISHED, publishedValidator, restatedValidator } from './published-spec.ts'
import { eventsIn, REPORTS } from './report-scenario.ts'

let scenario: Scenario
/** Those that the tests above have looked at. */
let seen = 0

beforeAll(async () => {
  scenario = await Scenario.start({ patients: 6, views: ['patient', 'condition'] }, REPORTS)
})
afterAll(() => scenario.stop())

async function sync(code = 0): Promise<LineageEvent[]> {
  const result = await stokerIn(scenario.folder, 'sync')
  expect([result.code, result.stderr]).toEqual([code, expect.any(String)])
  return fresh()
}

function fresh(): LineageEvent[] {
  const all = eventsIn(scenario)
  const news = all.slice(seen)
  seen = all.length
  return news
}

const kinds = (events: readonly LineageEvent[]) => events.map(({ eventType }) => eventType)
const runIds = (events: readonly LineageEvent[]) => [...new Set(events.map(({ run }) => run.runId))]
const table = ({ outputs }: LineageEvent, name: string) => outputs.find((each) => each.name === name)!
const written = (dataset: Dataset) => dataset.outputFacets!.outputStatistics as { rowCount: number; size: number }

/** As soon as it waits for its server, which is well again afterwards. */
async function killedWhileWaiting(signal: NodeJS.Signals): Promise<void> {
  scenario.server.behaviour = { ...scenario.server.behaviour, pollsBeforeDone: 100_000 }
  const told = () => readFile(join(scenario.lake, 'reports', 'open-lineage-file.json'), 'utf8')
  const before = await told()
  const child = scenario.spawn('sync')
  const end = ended(child)
  await new Promise<void>((resolve) => {
    let said = ''
    child.stderr!.on('data', (text: string) => /the server is working/.test((said += text)) && resolve())
  })
  // An event is written before it is noted: killed in between, the next process tells it again.
  await expect.poll(told, { timeout: 10_000 }).not.toBe(before)
  child.kill(signal)
  await end
  scenario.server.behaviour = { ...scenario.server.behaviour, pollsBeforeDone: 0 }
}

async function changeOnePatient(): Promise<void> {
  const { store } = scenario.server
  const [version] = store.versions(['Patient'])
  store.update({ ...(await store.read(version!)), birthDate: '1990-02-03' })
}

describe('a run that succeeds', () => {
  let complete: LineageEvent

  test('is told at its start and at its end, under one id, as a run of the source', async () => {
    const events = await sync()
    complete = events.at(-1)!
    expect(kinds(events)).toEqual(['START', 'COMPLETE'])
    expect(runIds(events)).toHaveLength(1)
    expect(events[0]!.job).toMatchObject({ namespace: 'house', name: 'demo' })
    const [run] = await scenario.readInside('SELECT started_at, ended_at FROM stoker.run')
    const instant = (value: unknown) => new Date(String(value)).toISOString()
    expect(events.map(({ eventTime }) => eventTime)).toEqual([instant(run!.started_at), instant(run!.ended_at)])
    expect(events[0]!.outputs.map(({ name }) => name)).toEqual(complete.outputs.map(({ name }) => name))
  })

  test('names what it read by the server and the type, with what came of each', async () => {
    const { origin, pathname } = new URL(scenario.server.baseUrl)
    expect(new Set(complete.inputs.map(({ namespace }) => namespace))).toEqual(new Set([origin]))
    const patients = complete.inputs.find(({ name }) => name === `${pathname}/Patient`)!
    const [file] = await scenario.readInside(`SELECT bytes FROM stoker.file WHERE type = 'Patient'`)
    expect(patients.inputFacets!.inputStatistics).toMatchObject({
      rowCount: 6,
      size: Number(file!.bytes),
      fileCount: 1,
    })
    expect(patients.facets.schema).toMatchObject({
      fields: expect.arrayContaining([{ name: 'name.family' }]) as object,
    })
  })

  test('names the tables it wrote, with their columns, what those are made of, their rows and their bytes', async () => {
    const patient = table(complete, 'patient')
    const [{ rows, bytes }] = (await scenario.readInside(
      `SELECT rows, bytes FROM stoker.snapshot_table WHERE name = 'patient' AND snapshot = 1`,
    )) as [{ rows: unknown; bytes: unknown }]
    expect(written(patient)).toMatchObject({ rowCount: Number(rows), size: Number(bytes), fileCount: 1 })
    expect(patient.facets.version).toMatchObject({ datasetVersion: '1' })
    expect(patient.facets.documentation).toMatchObject({
      description: expect.stringContaining('One row per Patient') as string,
    })
    const { fields } = patient.facets.schema as unknown as { fields: { name: string; type: string }[] }
    const columns = await scenario.read('DESCRIBE patient')
    expect(fields.map(({ name, type }) => [name, type])).toEqual(
      columns.map(({ column_name, column_type }) => [
        column_name,
        String(column_type).replace('TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ'),
      ]),
    )
    expect(patient.facets.columnLineage).toMatchObject({
      fields: { birth_date: { inputFields: [{ name: '/fhir/Patient', field: 'birthDate' }] } },
    })
  })
})

test('an increment tells what it wrote, and nothing of tables that stayed as they were', async () => {
  await changeOnePatient()
  const events = await sync()
  expect(kinds(events)).toEqual(['START', 'COMPLETE'])
  expect(written(table(events[1]!, 'patient')).rowCount).toBe(1)
  expect(written(table(events[1]!, 'condition'))).toMatchObject({ rowCount: 0, size: 0 })
  const metrics = table(events[1]!, 'condition').facets.dataQualityMetrics as unknown as { rowCount: number }
  expect(metrics.rowCount).toBeGreaterThan(0)
})

test('a run that fails is told with our code and words, and without the words of the server', async () => {
  const plain = scenario.server.behaviour
  scenario.server.behaviour = { ...plain, refusedParameters: ['_type'] }
  const events = await sync(3)
  scenario.server.behaviour = plain
  expect(kinds(events)).toEqual(['START', 'FAIL'])
  expect(events[1]!.run.facets.errorMessage).toMatchObject({
    message: expect.stringMatching(/^BULK_REFUSED: /) as string,
  })
  expect(JSON.stringify(events)).not.toContain('not supported')
  expect(events[1]!.outputs).toEqual([])
})

test('a run that is killed, and gone on with by the next process, is one run: told to begin once, and to end once', async () => {
  await killedWhileWaiting('SIGKILL')
  const before = fresh()
  expect(kinds(before)).toEqual(['START'])
  const after = await sync()
  expect(kinds(after)).toEqual(['COMPLETE'])
  expect(runIds([...before, ...after])).toHaveLength(1)
})

test('a run that an error stops for now is told so, and ends once it is gone on with', async () => {
  await scenario.configure(`${REPORTS}minimumFreeDisk: 900TB\n`)
  const stopped = await sync(4)
  await scenario.configure(REPORTS)
  expect(kinds(stopped)).toEqual(['START', 'OTHER'])
  expect(stopped[1]!.run.facets.errorMessage).toMatchObject({
    message: expect.stringMatching(/^DISK_LOW: no room/) as string,
  })
  const rest = await sync()
  expect(kinds(rest)).toEqual(['COMPLETE'])
  expect(runIds([...stopped, ...rest])).toHaveLength(1)
})

test('a run that an operator cancels is told to be aborted', async () => {
  await killedWhileWaiting('SIGTERM')
  expect(kinds(fresh())).toEqual(['START'])
  expect((await stokerIn(scenario.folder, 'cancel', 'demo')).code).toBe(0)
  const events = fresh()
  expect(kinds(events)).toEqual(['ABORT'])
  expect(events[0]!.run.facets.errorMessage).toMatchObject({ message: 'CANCELLED: cancelled by an operator' })
})

test('what was not told when a process ended is told by the next one, word for word', async () => {
  const state = join(scenario.lake, 'reports', 'open-lineage-file.json')
  const file = join(scenario.folder, 'lineage.ndjson')
  const before = await readFile(file, 'utf8')
  const events = await sync()
  // As if it had been killed before it could tell of the run.
  const { through } = JSON.parse(await readFile(state, 'utf8')) as { through: number }
  await writeFile(state, JSON.stringify({ through: through - 1, begun: [], ended: [] }))
  await writeFile(file, before)
  expect((await stokerIn(scenario.folder, 'cancel', 'demo')).code).toBe(0)
  seen -= events.length
  expect(fresh()).toEqual(events)
})

test('a file that can not be written to fails no run, and holds back none of its events for good', async () => {
  const file = join(scenario.folder, 'other', 'lineage.ndjson')
  await scenario.configure(
    REPORTS.replace('lineage.ndjson', 'other/lineage.ndjson').replace('bulk-log', 'other/bulk-log'),
  )
  await writeFile(join(scenario.folder, 'other'), 'a file where a folder should be')
  const result = await scenario.run('sync')
  expect([result.code, result.stderr]).toEqual([0, expect.stringContaining('could not be reported')])
  await rm(join(scenario.folder, 'other'))
  expect((await stokerIn(scenario.folder, 'cancel', 'demo')).code).toBe(0)
  await scenario.configure(REPORTS)
  const text = await readFile(file, 'utf8')
  expect(
    text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as LineageEvent).eventType),
  ).toEqual(['START', 'COMPLETE'])
})

test('of what was over before anybody asked for reports nothing is told', async () => {
  await rm(join(scenario.lake, 'reports'), { recursive: true })
  await stokerIn(scenario.folder, 'cancel', 'demo')
  expect(fresh()).toEqual([])
  // Another id of the lake: its runs are others'.
  expect(kinds(await sync())).toEqual(['START', 'COMPLETE'])
})

describe('every event above', () => {
  test('keeps to the specification as it is restated here', () => {
    const validate = restatedValidator()
    const events = eventsIn(scenario)
    expect(events.length).toBeGreaterThan(15)
    expect(new Set(kinds(events))).toEqual(new Set(['START', 'COMPLETE', 'FAIL', 'OTHER', 'ABORT']))
    expect(events.flatMap(validate)).toEqual([])
  })

  test('keeps to the published schemas, each facet to its own', ({ skip }) => {
    if (PUBLISHED === undefined) return skip('the schemas of OpenLineage are not here: see published-spec.ts')
    const validate = publishedValidator(PUBLISHED)
    expect(validate({ ...eventsIn(scenario)[0], eventType: 'BEGUN' })).not.toEqual([])
    expect(eventsIn(scenario).flatMap(validate)).toEqual([])
  })
})

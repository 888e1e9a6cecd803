/** What can be told of runs and rows afterwards: `stoker lineage`, `stoker runs`, and books that do not balance. */
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startDemoServer } from '../../src/demo/server.ts'
import { Database } from '../../src/store/database.ts'
import { OpenLake } from './open-lake.ts'
import { Scenario, type Ended } from './harness.ts'

/** A name that no output may show unless it was asked for. */
const NAME = 'Quillfeather'

interface VersionJson {
  readonly run: number
  readonly until_run: number | null
  readonly deleted_by: string | null
  readonly file: number | null
  readonly line: number | null
  readonly sha256: string | null
  readonly request_url: string
}

interface LineageJson {
  readonly state: string
  readonly rows: number
  readonly table: { readonly hash: string }
  readonly versions: readonly VersionJson[]
}

let scenario: Scenario
/** A patient that does not change. */
let other: string
const id = 'the-one'

function patient(family: string) {
  return { resourceType: 'Patient', id, name: [{ family }], gender: 'other' }
}

async function sync(...words: string[]): Promise<void> {
  const done = await scenario.run('sync', '--config', 'stoker.yaml', ...words)
  expect(done.code, done.stderr).toBe(0)
}

/** Run 1 brings everything, 2 an update, 3 its deletion as reported, 4 a re-creation, 5 finds it missing. */
beforeAll(async () => {
  const messages = [{ severity: 'warning', code: 'processing' }]
  const behaviour = { malformedLines: { Patient: [`["${NAME}"]`] }, messages }
  const options = { patients: 3, seed: 4, behaviour, views: ['patient', 'patient_address'] }
  scenario = await Scenario.start(options, '    types: [Patient, Condition]\n')
  const { store } = scenario.server
  other = [...store.versions(['Patient'])][0]!.id
  store.create(patient(NAME))
  await sync()
  scenario.server.behaviour = { ...scenario.server.behaviour, malformedLines: {}, messages: [] }
  store.update(patient(`${NAME}-Second`))
  await sync()
  store.remove('Patient', id)
  await sync()
  store.create(patient(`${NAME}-Third`))
  await sync()
}, 120_000)
afterAll(() => scenario.stop())

const lineage = (...words: string[]): Promise<Ended> => scenario.run('lineage', ...words)
const json = async (...words: string[]) => JSON.parse((await lineage(...words, '--json')).stdout) as LineageJson

describe('stoker lineage', () => {
  test('tells every version a resource had, each with its own run, file, line and hash', async () => {
    const told = await json('patient', `demo/Patient/${id}`)
    expect(told).toMatchObject({ state: 'held', rows: 1 })
    expect(told.versions.map(({ run, until_run, deleted_by }) => [run, until_run, deleted_by])).toEqual([
      [4, null, null],
      [3, 4, 'reported'],
      [2, 3, null],
      [1, 2, null],
    ])
    for (const version of told.versions) {
      const [file] = await scenario.readInside(`FROM stoker.file WHERE file = ${version.file}`)
      expect(file).toMatchObject({ run: version.run, sha256: version.sha256 })
      expect(version.sha256).toMatch(/^[0-9a-f]{64}$/)
    }
    expect(told.versions[0]!.request_url).toContain('/$export?_')
    const [row] = await scenario.read(`SELECT _file, _line FROM patient WHERE _resource_key = 'demo/Patient/${id}'`)
    expect(row).toEqual({ _file: told.versions[0]!.file, _line: String(told.versions[0]!.line) })
  })

  test('says it in words that fit a terminal, without any content', async () => {
    const told = await lineage('patient', `Patient/${id}`)
    expect(told, told.stderr).toMatchObject({ code: 0, stderr: '' })
    expect(told.stdout).toContain(`demo/Patient/${id}: 1 row in patient\n`)
    for (const what of ['re-created', 'deleted, reported', 'updated', 'created', 'sha256', 'transactionTime']) {
      expect(told.stdout).toContain(what)
    }
    expect(told.stdout).not.toContain(NAME)
    expect(Math.max(...told.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
  })

  test('prints the text as it was received only when it is asked for', async () => {
    const raw = await lineage('patient', id, '--raw')
    expect(JSON.parse(raw.stdout)).toMatchObject({ resourceType: 'Patient', id, name: [{ family: `${NAME}-Third` }] })
  })

  test('tells a key that was never seen, and one of which the view makes no row', async () => {
    const unknown = await lineage('patient', 'nobody')
    expect([unknown.code, unknown.stdout]).toEqual([2, ''])
    expect(unknown.stderr).toContain('Patient/nobody was never seen')
    expect(await json('patient_address', id)).toMatchObject({ state: 'no row', rows: 0, versions: { length: 4 } })
  })

  test('tells a deletion that a whole export showed by what it lacked', async () => {
    scenario.server.store.remove('Patient', id)
    await sync('--full')
    const told = await lineage('patient', id)
    expect(told.stdout).toContain(`demo/Patient/${id} is deleted: a whole export no longer had it (run 5`)
    expect(told.stdout).toContain('deleted, missing')
    expect(await json('patient', id)).toMatchObject({ state: 'deleted', rows: 0 })
  })
})

describe('stoker runs', () => {
  const runs = (...words: string[]): Promise<Ended> => scenario.run('runs', ...words)

  test('lists what each run did, the newest first', async () => {
    const told = await runs()
    expect(told, told.stderr).toMatchObject({ code: 0, stderr: '' })
    const lines = told.stdout.split('\n').slice(2, 7)
    expect(lines.map((line) => line.trim().split(/ +/).slice(0, 4).join(' '))).toEqual([
      '5 demo full done',
      ...[4, 3, 2].map((run) => `${run} demo incremental done`),
      '1 demo full done',
    ])
    const { runs: none } = JSON.parse((await runs('--failed', '--json')).stdout) as { runs: object[] }
    expect(none).toEqual([])
  })

  test('shows of one its phases, exports, files, rejects, messages and counts, in 100 columns and without content', async () => {
    const told = await runs('show', '1')
    expect(told, told.stderr).toMatchObject({ code: 0, stderr: '' })
    const phases = ['export', 'gather', 'merge', 'publish', 'release']
    for (const phase of phases) expect(told.stdout).toMatch(new RegExp(`^${phase} +[0-9.]+ s`, 'm'))
    for (const what of [
      'run 1: demo, full, done',
      'committed  ',
      'export 1: resources, the whole state, released',
      'Patient.001.ndjson',
      'a JSON array, not an object',
      'raw/demo/1/2.rejects.ndjson',
      'the server reported 1 issue (warning processing)',
      'patient ',
    ]) {
      expect(told.stdout).toContain(what)
    }
    expect(told.stdout).not.toContain(NAME)
    expect(Math.max(...told.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
    const unknown = await runs('show', '99')
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('there is no run 99')])
  })

  test('tells of the newest snapshot while a worker holds the database, and says so', async () => {
    const path = join(scenario.lake, 'warehouse.duckdb')
    const worker = await Database.open({ path, memoryLimitBytes: 256 << 20 })
    try {
      const shown = await runs('show', '2', '--json')
      const live = { live: false, run: 2, source: 'demo', snapshot: 2 }
      expect(JSON.parse(shown.stdout)).toMatchObject({ ...live, files: { length: 1 }, phases: { length: 5 } })
      const told = await lineage('patient', other)
      expect(told, told.stderr).toMatchObject({ code: 0 })
      expect(told.stdout).toContain(`The database is held by PID ${process.pid} now`)
      expect(told.stdout).toMatch(/^ {2}file .*\n +sha256 [0-9a-f]{64}\n {2}line /m)
      expect(told.stdout).toContain(`Earlier versions are in the database, which PID ${process.pid} holds.`)
      const gone = await lineage('patient', 'nobody')
      expect([gone.code, gone.stderr]).toEqual([5, expect.stringContaining('no row of Patient/nobody')])
    } finally {
      worker.close()
    }
  })
})

test('a raw log that was altered between landing and commit ends the run before anything is committed', async () => {
  const behaviour = { pollsBeforeDone: 0, callsPerMinute: 0, filesPerType: 2 }
  const server = await startDemoServer({ patients: 4, seed: 4, behaviour })
  onTestFinished(() => server.stop())
  const lake = await OpenLake.make(server.baseUrl)
  const landed: string[] = []
  lake.onEvent = (event) => {
    if (event.kind !== 'landed') return
    landed.push(join(lake.folder, 'lake', 'raw', 'field', String(event.run), `${event.file}.parquet`))
    if (landed.length === 2) copyFileSync(landed[0]!, landed[1]!)
  }
  const source = 'level: system\nauth: {kind: none}\ntypes: [Patient]\n'
  await expect(lake.sync(source)).rejects.toMatchObject({
    code: 'MERGE_BOOKS',
    message: expect.stringMatching(
      /^the books of file \d do not balance: its raw log holds what landed \(landed 2, found [04]\)$/,
    ) as string,
  })
  expect(await lake.rows('FROM stoker.resource UNION ALL BY NAME FROM stoker.watermark')).toEqual([])
  expect(await lake.rows('SELECT state, error_code, error_hint FROM stoker.run')).toEqual([
    {
      state: 'open',
      error_code: 'MERGE_BOOKS',
      error_hint: expect.stringContaining('nothing was committed') as string,
    },
  ])
})

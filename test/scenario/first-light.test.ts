import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { countByHand } from './count-by-hand.ts'
import { ended, lookInto, Scenario, type ScenarioOptions } from './harness.ts'
import { tableDigests } from './table-digests.ts'

const SLICE = new URL('../fixtures/synthea/', import.meta.url).pathname

let scenario: Scenario

/** Of one test. */
async function begin(options: ScenarioOptions, extra = ''): Promise<void> {
  scenario = await Scenario.start(options, extra)
  onTestFinished(() => scenario.stop())
}

interface SyncJson {
  readonly sources: readonly {
    readonly run: number
    readonly mode: string
    readonly resumed: boolean
    readonly snapshot: number
    readonly error?: { readonly code: string; readonly retryable: boolean }
    readonly types: readonly {
      type: string
      received: number
      inserted: number
      updated: number
      unchanged: number
      deleted: number
      rejected: number
      held: string | null
    }[]
    readonly tables: readonly { view_table: string; rows_removed: number; rows_added: number; rows: number }[]
  }[]
}

async function sync(...args: string[]) {
  const result = await scenario.run('sync', '--json', ...args)
  expect(result.stderr).not.toContain('what to do')
  expect(result.code).toBe(0)
  const json = JSON.parse(result.stdout) as SyncJson
  return { ...json.sources[0]!, stderr: result.stderr }
}

async function linesOfSlice(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const name of await readdir(SLICE)) {
    if (!name.endsWith('.ndjson')) continue
    const type = name.split('.')[0]!
    counts[type] = (counts[type] ?? 0) + (await readFile(join(SLICE, name), 'utf8')).trimEnd().split('\n').length
  }
  return counts
}

const TYPES =
  '    types: [AllergyIntolerance, CarePlan, CareTeam, Claim, Condition, Device, DiagnosticReport, Encounter, ExplanationOfBenefit, ImagingStudy, Immunization, MedicationRequest, Observation, Organization, Patient, Practitioner, Procedure]\n'

/** What the demo server deletes from. */
const LEAVES =
  '    types: [AllergyIntolerance, DiagnosticReport, ExplanationOfBenefit, Immunization, Observation, Patient]\n'

/** All tests have the lake of one run of all views, and what the tests before made of it. */
describe('first light, over real Synthea data', () => {
  let first: Awaited<ReturnType<typeof sync>>
  beforeAll(async () => {
    scenario = await Scenario.start({ data: SLICE, views: 'all' }, TYPES)
    first = await sync()
  })
  afterAll(() => scenario.stop())

  test('every type of the server is in the index line for line, every view has the rows counted by other means', async () => {
    const lines = await linesOfSlice()
    expect(Object.fromEntries(first.types.map((type) => [type.type, type.inserted]))).toEqual(lines)
    const byHand = await countByHand(SLICE)
    expect(Object.fromEntries(first.tables.map((table) => [table.view_table, table.rows]))).toEqual(byHand)
    await lookInto(scenario.catalog, async (rows) => {
      const index = await rows('SELECT type, resources FROM stoker.resource_count')
      expect(Object.fromEntries(index.map((row) => [row.type, Number(row.resources)]))).toEqual(lines)
      for (const [table, count] of Object.entries(byHand)) {
        expect([table, Number((await rows(`SELECT count(*) AS n FROM "${table}"`))[0]!.n)]).toEqual([table, count])
      }
    })
  })

  test('every row names its source, run, file and line, and the file it names holds that resource on that line', async () => {
    const rows = await scenario.read(`
      SELECT p.id, p._source, p._line, r.state, f.type, f.lines, f.url FROM patient AS p
      JOIN stoker.run AS r ON r.run = p._run JOIN stoker.file AS f ON f.file = p._file`)
    const lines = (await readFile(join(SLICE, 'Patient.000.ndjson'), 'utf8')).trimEnd().split('\n')
    expect(rows).toHaveLength(lines.length)
    const served = (await fetchAll(rows[0]!.url as string)) ?? lines
    for (const row of rows) {
      expect(row).toMatchObject({ _source: 'demo', type: 'Patient', lines: String(lines.length) })
      expect((JSON.parse(served[Number(row._line) - 1]!) as { id: string }).id).toBe(row.id)
    }
    const joined = await scenario.read(
      'SELECT count(*) AS n FROM observation AS o JOIN patient AS p ON o.patient_key = p._resource_key',
    )
    expect(Number(joined[0]!.n)).toBe((await linesOfSlice()).Observation)
  })

  test('a second run brings exactly what changed to every shipped view, moves the watermark, and leaves the old snapshot readable', async () => {
    const before = await tableDigests(scenario)
    const keysBefore = await scenario.readInside(`SELECT type || '/' || id AS key, run FROM stoker.resource ORDER BY 1`)
    const watermark = (await scenario.readInside('SELECT DISTINCT transaction_time AS at FROM stoker.watermark'))[0]!
      .at as string
    const change = await scenario.server.change({ percent: 1 })

    const second = await sync()
    expect(second.mode).toBe('incremental')
    const sum = (key: 'inserted' | 'updated' | 'deleted' | 'received') =>
      second.types.reduce((total, type) => total + type[key], 0)
    expect({ inserted: sum('inserted'), updated: sum('updated'), deleted: sum('deleted') }).toEqual({
      inserted: change.created.length,
      updated: change.updated.length,
      deleted: change.deleted.length,
    })
    const changed = new Set([...change.created, ...change.updated, ...change.deleted])
    const { rewritten, kept, moved } = await lookInto(join(scenario.lake, 'warehouse.duckdb'), async (rows) => ({
      rewritten: await rows(`SELECT type || '/' || id AS key FROM stoker.resource WHERE run = ${second.run}`),
      kept: await rows(`SELECT type || '/' || id AS key, run FROM stoker.resource WHERE run = ${first.run} ORDER BY 1`),
      moved: (await rows('SELECT DISTINCT transaction_time AS at FROM stoker.watermark')).map(
        (row) => row.at as string,
      ),
    }))
    expect(new Set(rewritten.map((row) => row.key))).toEqual(changed)
    expect(kept).toEqual(keysBefore.filter((row) => !changed.has(row.key as string)))

    await lookInto(scenario.catalog, async (rows) => {
      const tables = await rows(
        `SELECT view_name AS name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal`,
      )
      for (const { name } of tables) {
        const wrong = (await rows(`SELECT _resource_key AS key, _run FROM "${String(name)}"`)).filter(
          ({ key, _run }) => {
            const id = (key as string).slice('demo/'.length)
            return change.deleted.includes(id) || _run !== (changed.has(id) ? second.run : first.run)
          },
        )
        expect([name, wrong]).toEqual([name, []])
      }
    })
    expect(moved).toHaveLength(1)
    expect(moved[0]! > watermark).toBe(true)
    expect(await tableDigests(scenario, join(scenario.lake, 'snapshots', '000001', 'catalog.duckdb'))).toEqual(before)

    // Of all shipped views, each table is what one full load makes it.
    const incremental = await tableDigests(scenario)
    await rm(scenario.lake, { recursive: true })
    await sync()
    expect(await tableDigests(scenario)).toEqual(incremental)
  })
})

/** The demo server forgets an export once it is released; then the order of the source file stands in. */
async function fetchAll(url: string): Promise<string[] | undefined> {
  const response = await fetch(url)
  return response.ok ? (await response.text()).trimEnd().split('\n') : undefined
}

test('a type without a view lands all the same, and the run says so', async () => {
  await begin({ patients: 2, views: ['patient'] }, '    types: [Patient, Condition]\n')
  const { code, stdout, stderr } = await scenario.run('sync', 'demo')
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/Condition .* no view: raw log and index only/)
  const counts = await scenario.read(`SELECT resources FROM stoker.resource_count WHERE type = 'Condition'`)
  expect(counts.map(({ resources }) => Number(resources))).toEqual([scenario.server.store.counts().Condition])
})

describe('an incremental run', () => {
  test('ends where one full load of the server as it is now would end', async () => {
    await begin({ patients: 5, seed: 4 }, '    types: [Condition, Immunization, Observation, Patient]\n')
    await sync()
    for (let i = 0; i < 2; i += 1) {
      await scenario.server.change({ percent: 5, seed: i })
      await sync()
    }
    const incremental = await tableDigests(scenario)
    const again = await sync('--full')
    expect(again.types.every((type) => type.inserted === 0 && type.updated === 0 && type.deleted === 0)).toBe(true)
    expect(again.tables.every((table) => table.rows_added === 0 && table.rows_removed === 0)).toBe(true)
    await rm(scenario.lake, { recursive: true })
    await sync()
    expect(await tableDigests(scenario)).toEqual(incremental)
  })

  test('a server that never reports deletions is caught by a full export', async () => {
    await begin({ patients: 3, behaviour: { deletes: 'never' } }, LEAVES)
    await sync()
    const change = await scenario.server.change({ percent: 5 })
    expect((await sync()).types.reduce((sum, type) => sum + type.deleted, 0)).toBe(0)
    const full = await sync('--full')
    expect(full.types.reduce((sum, type) => sum + type.deleted, 0)).toBe(change.deleted.length)
  })

  test('a type added to the configuration gets its whole history, while the others stay incremental', async () => {
    await begin({ patients: 3 }, '    types: [Patient]\n')
    await sync()
    await scenario.configure('    types: [Patient, Condition]\n')
    const second = await sync()
    expect(second.mode).toBe('mixed')
    const kickOffs = scenario.server.requests.kickOffLines.slice(1)
    expect(kickOffs).toHaveLength(2)
    expect(kickOffs.find((line) => line.includes('Condition'))).not.toContain('_since')
    expect(
      kickOffs.find((line) => line.includes('Patient&') || line.endsWith('Patient') || line.includes('_type=Patient')),
    ).toContain('_since')
    expect(Number((await scenario.read('SELECT count(*) AS n FROM condition'))[0]!.n)).toBe(
      scenario.server.store.counts().Condition,
    )
  })
})

describe('a run of two exports, of which the server refuses one,', () => {
  test('ends with the error, noted in the ledger, and other sources have their turn', async () => {
    await begin({ patients: 3 }, '    types: [Patient]\n')
    await sync()
    scenario.server.behaviour = { ...scenario.server.behaviour, levels: ['patient'] }
    await scenario.configure(
      `    types: [Patient, Condition]
  - { name: other, baseUrl: '${scenario.server.baseUrl}', level: patient, types: [Patient], auth: { kind: private-key-jwt, clientId: stoker-demo, keyFile: key.jwk } }
`,
    )
    const result = await scenario.run('sync', '--json')
    expect(result.code).toBe(3)
    const { sources } = JSON.parse(result.stdout) as SyncJson
    expect(sources.map(({ error }) => error?.code)).toEqual(['BULK_REFUSED', undefined])
    const runs = await scenario.readInside('SELECT state, error_code FROM stoker.run WHERE run = 2')
    expect(runs).toEqual([{ state: 'failed', error_code: 'BULK_REFUSED' }])
  })
})

describe('what a server may do', () => {
  test('malformed and blank lines cost no other line: they are rejects with file, line, byte offset and reason', async () => {
    const malformedLines = { Patient: ['{"resourceType":"Patient",', 'no json at all'] }
    await begin({ patients: 5, behaviour: { malformedLines, blankLines: 2 } }, '    types: [Patient, Condition]\n')
    // Each of the two may be a patient: the type is asked for again.
    const result = await scenario.run('sync', '--json')
    expect(result.code).toBe(6)
    const { types } = (JSON.parse(result.stdout) as SyncJson).sources[0]!
    const patients = types.find((type) => type.type === 'Patient')
    expect(patients).toMatchObject({ received: 5, inserted: 5, rejected: 2 })
    expect(patients?.held).toContain('damaged')
    const rejects = await scenario.readInside(
      'SELECT line, byte_offset, reason, f.type FROM stoker.reject JOIN stoker.file AS f USING (file)',
    )
    expect(rejects).toHaveLength(2)
    expect(
      rejects.every((row) => row.type === 'Patient' && row.reason === 'not valid JSON' && Number(row.line) > 1),
    ).toBe(true)
    const unbalanced = await scenario.readInside(
      'SELECT * FROM stoker.file WHERE lines <> resources + rejects + blanks',
    )
    expect(unbalanced).toEqual([])
  })

  test('no content, token or key is in what a run prints, and what it writes is for its owner alone', async () => {
    await begin({ patients: 3 }, '    types: [Patient, Condition]\n')
    const result = await scenario.run('sync', '--log-level', 'debug')
    const names = await scenario.read('SELECT DISTINCT family_name AS name FROM patient')
    for (const { name } of names) expect(result.stdout + result.stderr).not.toContain(name)
    expect(result.stdout + result.stderr).not.toMatch(/eyJ[\w-]{10,}\./)
    const open: string[] = []
    for (const entry of await readdir(scenario.lake, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (((await stat(path)).mode & 0o077) !== 0) open.push(path)
    }
    expect(open).toEqual([])
  })
})

describe('a stop signal', () => {
  test('ends a run within seconds with the code of the signal, and the next start goes on', async () => {
    const behaviour = { gzip: false, downloadBytesPerSecond: 20_000 }
    await begin({ patients: 6, behaviour }, '    types: [Patient, Observation]\n')
    const child = scenario.spawn('sync')
    const first = ended(child)
    await new Promise<void>((resolve) =>
      child.stderr!.on('data', (text: string) => text.includes('listed') && resolve()),
    )
    child.kill('SIGTERM')
    const { code, stderr } = await first
    expect(code).toBe(143)
    expect(stderr).toContain('the next start goes on')
    scenario.server.behaviour = { ...scenario.server.behaviour, downloadBytesPerSecond: 0 }
    expect((await sync()).resumed).toBe(true)
    expect(scenario.server.requests.kickOffs).toBe(1)
  })
})

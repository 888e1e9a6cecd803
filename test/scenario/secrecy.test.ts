/**
 * Everything is run against a server full of canaries, with logs at trace and all reports on; then all that was written
 * outside the data is searched for them. What may hold which of them is named here, with the reason.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative, sep } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CANARIES, CanaryServer, type Canary, type Mood } from './canary-server.ts'
import { copyViews, ended, MAIN, readDuckDb, type Ended } from './harness.ts'

/** Words of the server, which a person before the terminal needs to know what is wrong; never tokens or addresses. */
const SERVER_WORDS: readonly Canary[] = ['diagnostics', 'progress']

interface Done extends Ended {
  readonly name: string
}

/** By command: canaries that what it prints may hold, and why. */
const MAY_PRINT: Readonly<
  Record<string, { readonly stdout?: readonly Canary[]; readonly stderr?: readonly Canary[] }>
> = {
  // What went wrong, and how far the export is, in the server's words.
  'sync: kick-off refused': { stderr: SERVER_WORDS },
  'sync: export failed': { stderr: SERVER_WORDS },
  'sync: token refused': { stderr: SERVER_WORDS },
  'sync: never done': { stderr: SERVER_WORDS },
  'check: kick-off refused': { stdout: SERVER_WORDS, stderr: SERVER_WORDS },
  'check: token refused': { stdout: SERVER_WORDS, stderr: SERVER_WORDS },
  // Who asks for patients gets patients, and an error of DuckDB that quotes the value it failed on.
  'query: patients': { stdout: ['family', 'given', 'street', 'phone', 'patientId', 'otherPatientId', 'changedFamily'] },
  'query: error': { stderr: ['family', 'changedFamily'] },
  // What was asked for by its own key.
  lineage: { stdout: ['patientId'] },
  'lineage: raw': {
    stdout: [
      'patientId',
      'family',
      'given',
      'street',
      'phone',
      'identifier',
      'narrative',
      'wrongDate',
      'changedFamily',
    ],
  },
  purge: { stdout: ['otherPatientId'], stderr: ['otherPatientId'] },
}

/** Below the lake: what holds patients' data, and is for its owner alone. */
const DATA: readonly (readonly [path: RegExp, why: string])[] = [
  [/^warehouse\.duckdb(\.wal)?$/, 'view tables, the index by id, and addresses of files as long as a run needs them'],
  [/^raw\//, 'resources as received, and rejects with their text'],
  [/^staging\//, 'files on their way to the raw log'],
  [/^snapshots\/\d+\/(?!stoker\/)[^/]+\//, 'published view tables'],
  [/^temp\//, 'what DuckDB spills'],
]

/** In the configuration's folder: what was put there by the operator. */
const GIVEN = /^(stoker\.yaml|secret\.txt|token\.txt|views\/|asked-for\/)/

let folder: string
let server: CanaryServer
const done: Done[] = []
const children = new Set<ChildProcess>()
const lake = () => join(folder, 'lake')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stoker-canary-'))
  server = await CanaryServer.start()
  await copyViews(
    ['patient', 'patient_name', 'patient_address', 'patient_identifier', 'observation'],
    join(folder, 'views'),
  )
  await writeFile(join(folder, 'secret.txt'), CANARIES.clientSecret, { mode: 0o600 })
  await writeFile(join(folder, 'token.txt'), CANARIES.endpointToken, { mode: 0o600 })
  await writeFile(
    join(folder, 'stoker.yaml'),
    `lake: lake
memoryLimit: 256MiB
views: {shipped: false, folders: [views]}
reports:
  bulkLog: bulk-log.ndjson
  openLineage: { file: lineage.ndjson, url: "${server.origin}/lineage", tokenFile: token.txt }
sources:
  - name: canary
    baseUrl: ${server.origin}/fhir
    level: system
    types: [Patient, Observation, DocumentReference]
    trace: trace.ndjson
    auth: { kind: client-secret, clientId: stoker, clientSecretFile: secret.txt, tokenUrl: "${server.origin}/token" }
`,
  )
  await runEverything()
}, 600_000)

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

function start(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  children.add(child)
  return child
}

async function run(name: string, codes: readonly number[], ...args: string[]): Promise<void> {
  const result = await ended(start(...args))
  done.push({ name, ...result })
  expect(codes, `${name}: ${result.stderr}${result.stdout}`).toContain(result.code)
}

async function sync(mood: Mood, codes: readonly number[], ...args: string[]): Promise<void> {
  server.mood = mood
  await run(`sync: ${mood}`, codes, 'sync', '--log-level', 'trace', ...args)
}

/** Each subcommand there is, with what it does when all is well and when it is not. */
async function runEverything(): Promise<void> {
  await run('check', [0, 3], 'check')
  for (const mood of ['kick-off refused', 'token refused'] as const) {
    server.mood = mood
    await run(`check: ${mood}`, [0, 3, 4], 'check', '--try-export')
  }
  await sync('kick-off refused', [3])
  await sync('token refused', [3, 4])
  await sync('export failed', [3])
  await sync('status broken', [3, 4], '--log-format', 'pretty')
  await stopped('odd manifest', /"msg":"trying again"/)
  await run('cancel: odd manifest', [0], 'cancel', 'canary')
  await sync('odd files', [3, 4, 6], '--json')
  await run('cancel: odd files', [0], 'cancel', 'canary')
  await sync('whole', [0, 6], '--json')
  await sync('increment', [0, 6])
  await stopped('never done', /"msg":"the server is working"/)
  await run('cancel', [0], 'cancel', 'canary')
  await run('status', [0], 'status')
  await run('status: json', [0], 'status', '--json')
  await run('runs', [0], 'runs')
  for (const number of ['1', '3', '7']) await run('runs show', [0], 'runs', 'show', number)
  await run('runs show: json', [0], 'runs', 'show', '8', '--json')
  await run('snapshots', [0], 'snapshots', '--json')
  await run('lineage', [0], 'lineage', 'patient', `canary/Patient/${CANARIES.patientId}`)
  await run('lineage: raw', [0], 'lineage', 'patient', CANARIES.patientId, '--raw')
  await run('query: patients', [0], 'query', '--format', 'csv', 'FROM patient')
  await run('query: error', [2, 3], 'query', 'SELECT CAST(family_name AS INTEGER) FROM patient')
  await run('query: no table', [2, 3], 'query', 'FROM nothing')
  await run('rebuild', [0], 'rebuild', 'patient')
  await run('compact', [0], 'compact')
  await run('catalog', [0], 'catalog', '--at', '/mnt/lake', '--out', 'other-catalog.duckdb')
  await run('views docs', [0], 'views', 'docs')
  await run('purge', [0], 'purge', '--patient', `canary/${CANARIES.otherPatientId}`, '--yes')
  await run('status: after', [0], 'status')
}

/** A run that is stopped as soon as it logs `sign`: it would ask its server again for minutes. */
async function stopped(mood: Mood, sign: RegExp): Promise<void> {
  server.mood = mood
  const child = start('sync', '--full', '--log-level', 'trace')
  const end = ended(child)
  await new Promise<void>((resolve) => {
    let said = ''
    child.stderr!.on('data', (text: string) => sign.test((said += text)) && resolve())
    void end.then(() => resolve())
  })
  const meanwhile = await readFile(join(lake(), 'worker.json'), 'utf8').catch(() => '')
  child.kill('SIGTERM')
  done.push({ name: `sync: ${mood}`, ...(await end) })
  done.push({ name: 'worker.json', code: 0, signal: null, stdout: meanwhile, stderr: '' })
}

function inside<T>(sql: string): Promise<T[]> {
  return readDuckDb(join(lake(), 'warehouse.duckdb'), sql) as Promise<T[]>
}

/** A canary may also stand there as base64, from any of its bytes on. */
const FORMS = Object.fromEntries(
  Object.entries(CANARIES).map(([name, word]) => {
    const coded = [0, 1, 2].map((shift) => Buffer.from(word.slice(shift)).toString('base64').slice(0, 16))
    return [name, [word, ...coded]]
  }),
) as Record<Canary, string[]>

function canariesIn(text: string): Canary[] {
  return (Object.keys(FORMS) as Canary[]).filter((name) => FORMS[name].some((form) => text.includes(form)))
}

/** Paths below the folder with `/`, of all files. */
async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return files.map((file) => relative(root, file).split(sep).join('/')).sort()
}

test('the canaries fly: the data hold every one that was sent as data', async () => {
  const sent: readonly Canary[] = [
    'family',
    'given',
    'street',
    'phone',
    'identifier',
    'narrative',
    'note',
    'attachmentTitle',
  ]
  const raw = await filesBelow(join(lake(), 'raw'))
  const rejects = raw.filter((file) => file.endsWith('.rejects.ndjson'))
  const texts = await Promise.all(rejects.map((file) => readFile(join(lake(), 'raw', file), 'utf8')))
  expect(canariesIn(texts.join())).toEqual(expect.arrayContaining(['malformed', 'withoutId', 'wrongType']))
  const parquet = raw.filter((file) => file.endsWith('.parquet')).map((file) => `'${join(lake(), 'raw', file)}'`)
  const json = await readDuckDb(
    ':memory:',
    `SELECT string_agg(json, ' ') AS text FROM read_parquet([${parquet.join()}], union_by_name = true)`,
  ).catch(() => [])
  if (json.length > 0) expect(canariesIn(String(json[0]!.text))).toEqual(expect.arrayContaining([...sent]))
})

describe('what is printed', () => {
  const leaks = (stream: 'stdout' | 'stderr') =>
    done.flatMap((each) =>
      canariesIn(each[stream])
        .filter((canary) => !MAY_PRINT[each.name]?.[stream]?.includes(canary))
        .map((canary) => `${each.name}: ${canary}`),
    )

  test('on standard output tells nothing that was not asked for', () => {
    expect(leaks('stdout')).toEqual([])
  })

  test('on standard error tells nothing but the server’s words to who sits there', () => {
    expect(leaks('stderr')).toEqual([])
  })

  test('as log lines tells not even those', () => {
    const lines = done.flatMap(({ stderr }) => stderr.split('\n').filter((line) => line.startsWith('{"level"')))
    expect(lines.length).toBeGreaterThan(100)
    expect(lines.some((line) => line.startsWith('{"level":10'))).toBe(true)
    expect(lines.filter((line) => canariesIn(line).length > 0)).toEqual([])
  })

  test('as log lines names source and run, and the file where there is one', () => {
    const lines = done.flatMap(({ stderr }) => stderr.split('\n').filter((line) => line.startsWith('{"level"')))
    const facts = lines.map((line) => JSON.parse(line) as { msg: string; source?: string; run?: number; file?: number })
    const ofRuns = facts.filter(({ msg }) => !/OpenLineage/.test(msg))
    expect(ofRuns.filter(({ source, run: number }) => source !== 'canary' || number === undefined)).toEqual([])
    const ofFiles = facts.filter(({ msg }) => /download|landed|file/.test(msg) && !/fetching files/.test(msg))
    expect(ofFiles.filter(({ file }) => file === undefined)).toEqual([])
  })
})

describe('what is written', () => {
  test('outside the data no file holds one, among them the trace, both reports, and what waits for an endpoint', async () => {
    const files = (await filesBelow(folder)).filter((file) => !GIVEN.test(file))
    const searched: string[] = []
    const found: string[] = []
    for (const file of files) {
      const inLake = file.startsWith('lake/') ? file.slice('lake/'.length) : undefined
      if (inLake !== undefined && DATA.some(([path]) => path.test(inLake))) continue
      searched.push(file)
      const text = await readFile(join(folder, file), 'latin1')
      found.push(...canariesIn(text).map((canary) => `${file}: ${canary}`))
    }
    expect(found).toEqual([])
    const names = searched.map((file) => file.replace(/\d{6,}/g, 'N'))
    expect(names).toEqual(
      expect.arrayContaining([
        ...['bulk-log.ndjson', 'lineage.ndjson', 'trace.ndjson', 'lake/catalog.duckdb'],
        ...['lake/snapshots/N/manifest.json', 'lake/reports/spool/N-9.json'],
      ]),
    )
  })

  test('the tables of the ledger that go with a snapshot hold none, however they are packed', async () => {
    const catalog = join(lake(), 'catalog.duckdb')
    const tables = (await readDuckDb(
      catalog,
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'stoker'`,
    )) as { name: string }[]
    expect(tables.length).toBeGreaterThan(10)
    for (const { name } of tables) {
      const rows = await readDuckDb(catalog, `FROM stoker."${name}"`)
      expect([name, canariesIn(JSON.stringify(rows))]).toEqual([name, []])
    }
  })

  test('what the ledger keeps for itself of runs holds none either, once they are over', async () => {
    for (const table of ['run', 'file', 'reject_count', 'message', 'finding', 'run_type', 'run_loss', 'purge']) {
      const rows = await inside(`FROM stoker.${table}`)
      expect([table, canariesIn(JSON.stringify(rows))]).toEqual([table, []])
    }
  })
})

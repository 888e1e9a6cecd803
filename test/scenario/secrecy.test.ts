/**
 * Everything is run against a server full of canaries, with logs at trace and all reports on; then all that was written
 * outside the data is searched for them. What may hold which of them is named here, with the reason.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CanaryLake } from './canary-lake.ts'
import { canariesIn, filesBelow } from './canary-search.ts'
import { CANARIES, type Canary } from './canary-server.ts'
import { visitAndKill, visitWorker, type Visit } from './canary-visit.ts'
import { readDuckDb } from './harness.ts'

/** By command: canaries that what it prints may hold, and why. */
const MAY_PRINT: Readonly<
  Record<string, { readonly stdout?: readonly Canary[]; readonly stderr?: readonly Canary[] }>
> = {
  // What the server says to who asks what it says; never tokens or addresses.
  'check: kick-off refused': { stdout: ['diagnostics'] },
  'check: token refused': { stdout: ['diagnostics'] },
  // Who asks for patients gets patients, and an error of DuckDB that quotes the value it failed on.
  'query: patients': { stdout: ['family', 'given', 'street', 'phone', 'patientId', 'otherPatientId', 'changedFamily'] },
  'query: error': { stderr: ['family', 'changedFamily'] },
  'cohort: members': { stdout: ['patientId', 'otherPatientId'] },
  // What was asked for by its own key.
  'lineage: raw': {
    stdout: [
      ...(['patientId', 'family', 'given', 'street', 'phone', 'identifier', 'narrative', 'wrongDate'] as const),
      'changedFamily',
    ],
  },
  purge: { stdout: ['otherPatientId'], stderr: ['otherPatientId'] },
}

/** By name, canaries that an answer of the worker may hold; all others hold none, whoever asks. */
const MAY_TELL: Readonly<Record<string, readonly Canary[]>> = {
  'with the token': ['family', 'changedFamily', 'patientId', 'otherPatientId', 'asked'],
  'what was asked': ['asked'],
}

/** Below the lake: what holds patients' data, and is for its owner alone. */
const DATA: readonly (readonly [path: RegExp, why: string])[] = [
  [/^warehouse\.duckdb(\.wal)?$/, 'view tables, the index by id, and addresses of files as long as a run needs them'],
  [/^raw\//, 'resources as received, and rejects with their text'],
  [/^staging\//, 'files on their way to the raw log'],
  [/^snapshots\/\d+\/(?!stoker\/)[^/]+\//, 'published view tables'],
  [/^temp\//, 'what DuckDB spills, and answers until they are fetched'],
]

/** In the data set's folder what is data by purpose; the card, the definition and their like are not. */
const DATASET = /^set\/[^/]+\.(parquet|arrow)$/

/** In the configuration's folder: what was put there by the operator. */
const GIVEN = /^(stoker\.yaml|names\.yaml|secret\.txt|study\.key|views\/|cohorts\/)/

/** Lines of the worker itself, which belong to no source. One that is new is named here, or names a source and a run. */
const OF_THE_WORKER: ReadonlySet<string> = new Set([
  ...['worker started', 'worker stopped', 'stopping: the next start goes on from here', 'http: listening'],
  ...['a query is answered', 'a request failed', 'cohort run', 'cohort failed'],
  ...['configuration refused: the old one stays in force', 'configuration read again', 'configuration'],
])
/** Lines of a source that is not in the middle of a run. */
const OF_A_SOURCE: ReadonlySet<string> = new Set(['source served', 'run asked for'])

let lake: CanaryLake
let visit: Visit
let killed: Awaited<ReturnType<typeof visitAndKill>>
/** Resources and rejects as they came, before anything is purged. */
let received = ''

beforeAll(async () => {
  lake = await CanaryLake.make()
  await runCommands()
  visit = await visitWorker(lake)
  killed = await visitAndKill(lake)
  await runCommandsAfter()
}, 600_000)

afterAll(() => lake.close())

/** Subcommands on a lake that no worker holds, with what they do when all is well and when it is not. */
async function runCommands(): Promise<void> {
  for (const mood of ['kick-off refused', 'token refused'] as const) {
    lake.server.mood = mood
    await lake.run(`check: ${mood}`, [0, 3, 4], 'check', '--try-export')
  }
  await lake.sync('token refused', [3, 4], '--log-format', 'pretty')
  await lake.sync('whole', [0, 6], '--json')
  await lake.stopped('never done', /"msg":"the server is working"/)
  await lake.run('cancel', [0], 'cancel', 'canary')
  received = await receivedText()
}

async function runCommandsAfter(): Promise<void> {
  await lake.run('status: json', [0], 'status', '--json')
  await lake.run('runs', [0], 'runs')
  await lake.run('runs show', [0], 'runs', 'show', '2')
  await lake.run('runs show: json', [0], 'runs', 'show', '5', '--json')
  await lake.run('snapshots', [0], 'snapshots', '--json')
  await lake.run('lineage: raw', [0], 'lineage', 'patient', CANARIES.patientId, '--raw')
  await lake.run('query: patients', [0], 'query', '--format', 'csv', 'FROM patient')
  await lake.run('query: error', [2, 3], 'query', 'SELECT CAST(family_name AS INTEGER) FROM patient')
  await lake.run('cohort: members', [0], 'cohort', 'show', 'all', '--members')
  await lake.run('cohort run', [0, 1, 2, 3, 6], 'cohort', 'run')
  await lake.run('dataset', [0], 'dataset', 'build', 'names.yaml', '--to', 'set')
  await lake.run('rebuild', [0], 'rebuild', 'patient')
  await lake.run('catalog', [0], 'catalog', '--at', '/mnt/lake', '--out', 'other-catalog.duckdb')
  await lake.run('purge', [0], 'purge', '--patient', `canary/${CANARIES.otherPatientId}`, '--yes')
  await lake.run('status: after', [0], 'status')
}

async function receivedText(): Promise<string> {
  const raw = await filesBelow(join(lake.root, 'raw'))
  const paths = raw.map((file) => join(lake.root, 'raw', file))
  const rejects = paths.filter((path) => path.endsWith('.rejects.ndjson'))
  const texts = await Promise.all(rejects.map((path) => readFile(path, 'utf8')))
  const parquet = paths.filter((path) => path.endsWith('.parquet')).map((path) => `'${path}'`)
  const rows = await readDuckDb(
    join(lake.root, 'catalog.duckdb'),
    `FROM read_parquet([${parquet.join()}], union_by_name = true)`,
  )
  return texts.join() + JSON.stringify(rows)
}

const logLines = () =>
  lake.done.flatMap(({ name, stderr }) =>
    stderr.split('\n').flatMap((line) => (line.startsWith('{"level"') ? [{ name, line }] : [])),
  )

test('the canaries fly: the data hold every one that was sent as data', () => {
  const sent: readonly Canary[] = [
    ...(['family', 'given', 'street', 'phone', 'identifier', 'narrative', 'note', 'attachmentTitle'] as const),
    ...(['malformed', 'withoutId', 'wrongType'] as const),
  ]
  expect(canariesIn(received)).toEqual(expect.arrayContaining([...sent]))
})

test('every command ended as it should: what is searched is what each of them says', () => {
  expect(lake.done.filter(({ code, codes }) => !codes.includes(code))).toEqual([])
})

describe('what is printed', () => {
  const leaks = (stream: 'stdout' | 'stderr') =>
    lake.done.flatMap((each) =>
      canariesIn(each[stream])
        .filter((canary) => !MAY_PRINT[each.name]?.[stream]?.includes(canary))
        .map((canary) => `${each.name}: ${canary}`),
    )

  test('on standard output tells nothing that was not asked for', () => {
    expect(leaks('stdout')).toEqual([])
  })

  test('on standard error, which is no terminal here, tells nothing at all', () => {
    expect(leaks('stderr')).toEqual([])
  })

  test('as log lines tells nothing either, of commands and of workers, for programs and for people', () => {
    const lines = logLines()
    expect(lines.filter(({ name }) => name === 'worker: json').length).toBeGreaterThan(100)
    expect(lines.some(({ line }) => line.startsWith('{"level":10'))).toBe(true)
    expect(lines.filter(({ line }) => canariesIn(line).length > 0)).toEqual([])
    const pretty = lake.done.filter(({ stderr }) => /^\[[\d:]+\] INFO/m.test(stderr)).map(({ name }) => name)
    expect(pretty).toEqual(['sync: token refused', 'worker: pretty'])
  })

  test('as log lines names source and run, and the file where there is one', () => {
    const lines = logLines().map(
      ({ line }) => JSON.parse(line) as { msg: string; source?: string; run?: number; file?: number },
    )
    const nameless = lines.filter(({ msg, source, run }) => {
      if (OF_THE_WORKER.has(msg) || /OpenLineage/.test(msg)) return source !== undefined || run !== undefined
      return source !== 'canary' || (run === undefined && !OF_A_SOURCE.has(msg))
    })
    expect(nameless).toEqual([])
    const ofFiles = lines.filter(({ msg }) => /download|landed|file/.test(msg) && !/fetching files/.test(msg))
    expect(ofFiles.length).toBeGreaterThan(10)
    expect(ofFiles.filter(({ file }) => file === undefined)).toEqual([])
  })
})

describe('what a worker tells', () => {
  const told = () => [...visit.worker.told, ...killed.told]

  test('on pages, by its API, as events and as metrics is nothing of content, tokens or the server’s words', () => {
    const leaks = told().flatMap(({ name, status, text }) =>
      canariesIn(text)
        .filter((canary) => !MAY_TELL[name]?.includes(canary))
        .map((canary) => `${name} (${status}): ${canary}`),
    )
    expect(leaks).toEqual([])
    expect(told().filter(({ name }) => name === '/api/events').length).toBeGreaterThan(20)
  })

  test('of content is for who has the token: everybody else is refused it', () => {
    const answers = grouped(told())
    const refused = [...answers].filter(([, all]) => all.every(({ status }) => status === 401)).map(([name]) => name)
    expect(refused.sort()).toEqual([
      ...['/api/cohorts/failing/diff', '/api/cohorts/failing/members', '/api/ledger', '/query'],
    ])
    expect(
      told()
        .filter(({ status }) => status >= 500)
        .map(({ name, status }) => [name, status]),
    ).toEqual([])
  })

  test('its own token is told nowhere but in http.json, and another process that knows of it tells it neither', async () => {
    const tokens = [visit.worker.token, killed.token]
    const everything = [...told().map(({ text }) => text), ...lake.done.map(({ stdout, stderr }) => stdout + stderr)]
    expect(everything.filter((text) => tokens.some((token) => text.includes(token)))).toEqual([])
    for (const file of await filesBelow(lake.folder)) {
      const text = await readFile(join(lake.folder, file), 'latin1')
      if (file === 'lake/http.json') expect(canariesIn(text)).toEqual([])
      else expect([file, tokens.some((token) => text.includes(token))]).toEqual([file, false])
    }
  })

  test('to others of the machine, by arguments and names of files, is nothing; a query’s process knows no secret', () => {
    const { worker, query, environment, spills } = visit.seen
    expect(query).toContain('query-process')
    expect(canariesIn(worker + query + environment + spills.join())).toEqual([])
    expect((worker + query + environment).includes(visit.worker.token)).toBe(false)
    expect(spills.some((name) => name.startsWith('query-'))).toBe(true)
  })
})

function grouped<T extends { readonly name: string }>(all: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const each of all) groups.set(each.name, [...(groups.get(each.name) ?? []), each])
  return groups
}

describe('what is written', () => {
  test('outside the data no file holds one, among them the trace, reports, cards, and what waits for an endpoint', async () => {
    const files = (await filesBelow(lake.folder)).filter((file) => !GIVEN.test(file))
    const searched: string[] = []
    const found: string[] = []
    for (const file of files) {
      found.push(...canariesIn(file).map((canary) => `the name of ${file}: ${canary}`))
      const inLake = file.startsWith('lake/') ? file.slice('lake/'.length) : undefined
      if (DATASET.test(file) || (inLake !== undefined && DATA.some(([path]) => path.test(inLake)))) continue
      searched.push(file)
      const text = await readFile(join(lake.folder, file), 'latin1')
      found.push(...canariesIn(text).map((canary) => `${file}: ${canary}`))
    }
    expect(found).toEqual([])
    const names = searched.map((file) => file.replace(/\d{6,}/g, 'N').replace(/N-\d+/, 'N-n'))
    expect(names).toEqual(
      expect.arrayContaining([
        ...['bulk-log.ndjson', 'lineage.ndjson', 'trace.ndjson', 'lake/catalog.duckdb', 'set/card.json', 'set/card.md'],
        ...['lake/snapshots/N/manifest.json', 'lake/reports/spool/N-n.json'],
      ]),
    )
  })

  test('a data set under pseudonyms has what it was asked for, and neither the key nor whose it is', async () => {
    const files = (await filesBelow(lake.folder)).filter((file) => DATASET.test(file))
    expect(files.length).toBeGreaterThan(1)
    for (const file of files) {
      const bytes = await readFile(join(lake.folder, file), 'latin1')
      const rows = file.endsWith('.parquet')
        ? await readDuckDb(join(lake.root, 'catalog.duckdb'), `FROM '${join(lake.folder, file)}'`)
        : []
      const unwanted = canariesIn(bytes + JSON.stringify(rows)).filter((name) => !/^(family|changedFamily)$/.test(name))
      expect([file, unwanted]).toEqual([file, []])
    }
  })

  test('the tables of the ledger that go with a snapshot hold none, however they are packed', async () => {
    const tables = `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'stoker'`
    const catalog = join(lake.root, 'catalog.duckdb')
    const names = (await readDuckDb(catalog, tables)).map(({ name }) => name as string)
    expect(names.length).toBeGreaterThan(10)
    const sql = names.map((name) => `SELECT '${name}' AS name, t::VARCHAR AS row FROM stoker."${name}" AS t`)
    const rows = await readDuckDb(catalog, sql.join(' UNION ALL '))
    expect(rows.filter(({ row }) => canariesIn(row as string).length > 0)).toEqual([])
  })

  test('what the ledger keeps for itself of runs holds none either, once they are over', async () => {
    const tables = [
      ...['run', 'file', 'reject_count', 'message', 'finding', 'run_type', 'run_loss', 'purge', 'cohort_run'],
    ]
    const sql = tables.map((name) => `SELECT '${name}' AS name, t::VARCHAR AS row FROM stoker.${name} AS t`)
    const rows = await readDuckDb(join(lake.root, 'warehouse.duckdb'), sql.join(' UNION ALL '))
    expect(rows.length).toBeGreaterThan(20)
    expect(rows.filter(({ row }) => canariesIn(row as string).length > 0)).toEqual([])
  })
})

/**
 * One percent changed: a first load of observations, an increment, and then a full export that repeats everything, each by
 * `stoker sync` over loopback HTTP; what merging, publishing and repeating take against the first load. Prints JSON.
 *
 *     npm run bench:increment -- [--rows 1000000] [--kind random|recent] [--files 8] [--threads 2] [--memory-limit 1GB]
 *       [--main PATH]     the main.js of another build; several are compared
 *       [--profile 15]    the dearest statements of each sync
 *
 * `random` is the worst case: half updates of resources of anybody, a quarter deletions, a quarter new. `recent` is a
 * day in a hospital: mostly new ones of one patient in a hundred. `--kind` may be given twice.
 */
import { DuckDBInstance } from '@duckdb/node-api'
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { dearest, inFolder, MAIN, measureSync, rounded, settleDisk, startServer, writeConfig } from './measured.js'
import { changeOf, writeFirst, writeIncrement, writePresent } from './observations.js'
import { OBSERVATION } from './views-by-hand.js'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    kind: { type: 'string', multiple: true, default: ['random'] },
    files: { type: 'string', default: '8' },
    threads: { type: 'string', default: '2' },
    'memory-limit': { type: 'string', default: '1GB' },
    main: { type: 'string', multiple: true, default: [MAIN] },
    profile: { type: 'string', default: '0' },
  },
})
const rows = Number(values.rows)
const files = Number(values.files)
const VIEW = { resourceType: 'ViewDefinition', status: 'active', fhirVersion: ['4.0.1'], ...OBSERVATION.view }

const results = []
for (const kind of values.kind) results.push(...(await inFolder((folder) => bench(folder, kind))))
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)

/** Every build takes a step before any takes the next: what the machine does besides then meets all of them. */
async function bench(folder, kind) {
  const data = join(folder, 'data')
  const change = changeOf(kind, rows)
  const server = await startServer(data)
  try {
    const lakes = await Promise.all(
      values.main.map((main, at) => makeLake(join(folder, String(at)), resolve(main), server)),
    )
    const bytes = writeFirst(join(data, 'first'), rows, files)
    await each(lakes, 'first')
    // Room for what the server has at last.
    rmSync(join(data, 'first'), { recursive: true })
    const changed = writeIncrement(join(data, 'increment'), rows, 1, change)
    await each(lakes, 'increment')
    writePresent(join(data, 'present'), rows, files, change)
    await each(lakes, 'repeat', ['--full'])
    for (const lake of lakes) await check(lake, changed)
    return lakes.map(({ main, steps }) => ({ main, kind, rows, inputMB: Math.round(bytes / 1e6), ...report(steps) }))
  } finally {
    server.stop()
  }
}

async function makeLake(folder, main, { baseUrl }) {
  const views = join(folder, 'views')
  mkdirSync(views, { recursive: true })
  writeFileSync(join(views, 'observation.json'), JSON.stringify(VIEW))
  const { threads, 'memory-limit': memoryLimit } = values
  return { main, folder, config: await writeConfig(folder, { baseUrl, views, memoryLimit, threads }), steps: {} }
}

async function each(lakes, step, args) {
  for (const lake of lakes) {
    await settleDisk()
    const run = await measureSync(lake.main, lake.config, args)
    lake.steps[step] = { ...run, rowsPublished: await rowsWritten(publishedFolder(lake.folder, run)) }
  }
}

/** What came in must be in the tables, and what only came again must have changed nothing. */
async function check({ folder, steps }, { inserted, updated, deleted }) {
  const of = ({ outcome: { types } }) => types.find(({ type }) => type === 'Observation')
  const expected = [
    ['first', { inserted: rows, updated: 0, deleted: 0 }],
    ['increment', { inserted, updated, deleted }],
    ['repeat', { inserted: 0, updated: 0, deleted: 0, unchanged: rows + inserted - deleted }],
  ]
  for (const [step, counts] of expected) {
    for (const [name, count] of Object.entries(counts)) {
      const found = of(steps[step])[name]
      if (found !== count) throw new Error(`${step}: ${found} ${name}, where ${count} should be`)
    }
  }
  if (steps.repeat.tablesWritten + steps.repeat.rowsPublished !== 0)
    throw new Error('an export that repeats everything wrote tables anew')
  const expectedRows = rows + inserted - deleted
  const files = join(publishedFolder(folder, steps.repeat), '*.parquet')
  const [found, distinct] = await answer(`SELECT count(*), count(DISTINCT id) FROM read_parquet('${files}')`)
  if (found !== expectedRows || distinct !== expectedRows) {
    throw new Error(`${found} rows of ${distinct} resources, where ${expectedRows} should be`)
  }
}

function publishedFolder(folder, { outcome: { snapshot } }) {
  return join(folder, 'lake', 'snapshots', String(snapshot).padStart(6, '0'), 'observation')
}

/** Rows of a snapshot's files that are no other snapshot's as well. */
async function rowsWritten(folder) {
  const files = readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).nlink === 1)
  if (files.length === 0) return 0
  const [found] = await answer(
    `SELECT sum(num_rows) FROM parquet_file_metadata([${files.map((path) => `'${path}'`).join(', ')}])`,
  )
  return found
}

/** The first row, as numbers. */
async function answer(sql) {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const reader = await connection.runAndReadAll(sql)
  connection.closeSync()
  instance.closeSync()
  return reader.getRows()[0].map(Number)
}

/** Shares are of the whole first load, from the start of the process to its end. */
function report(steps) {
  const { first, increment, repeat } = steps
  const wall = (seconds) => rounded(seconds / first.wallSeconds, 3)
  const figures = ({ phases, cpuSeconds, peakRssMB, outcome, tablesWritten, rowsPublished, statements }) => ({
    seconds: Object.fromEntries(Object.entries(phases).map(([phase, seconds]) => [phase, rounded(seconds)])),
    cpuSeconds: rounded(cpuSeconds),
    peakRssMB,
    rowsRemoved: outcome.tables[0].rows_removed,
    rowsAdded: outcome.tables[0].rows_added,
    tablesWritten,
    rowsPublished,
    ...(Number(values.profile) > 0 && { statements: dearest(statements, Number(values.profile)) }),
  })
  return {
    againstFirst: {
      merge: wall(increment.phases.merge),
      mergeAndPublish: wall(increment.phases.merge + increment.phases.publish),
      increment: wall(increment.wallSeconds),
      incrementCpu: rounded(increment.cpuSeconds / first.cpuSeconds, 3),
      repeat: wall(repeat.wallSeconds),
      repeatCpu: rounded(repeat.cpuSeconds / first.cpuSeconds, 3),
    },
    first: figures(first),
    increment: figures(increment),
    repeat: figures(repeat),
  }
}

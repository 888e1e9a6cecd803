/**
 * A first load end to end over loopback HTTP, in one run, as ratios: the bytes to disk alone (curl), the same work by
 * hand (curl, then the statements of load-by-hand.js, one after the other), and `stoker sync` to committed tables, raw
 * log, ledger and snapshot. Rounds go through all of them in turn. Prints JSON; `cpuSeconds` is what a busy machine
 * does not blur, and the server's own is not in it.
 *
 *     npm run bench:load -- [--gb 0.3] [--gb 1,3,10] [--rounds 3] [--files 8] [--threads 2] [--memory-limit 1GB]
 *       [--data FOLDER]   Observation*.ndjson of one's own in place of made ones
 *       [--main PATH]     the main.js of another build; several are compared
 *       [--ways curl,byHand,stoker]
 *       [--profile 15]    the dearest statements of the last sync
 */
import { DuckDBInstance } from '@duckdb/node-api'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { SUBJECTS } from './load-by-hand.js'
import {
  dearest,
  inFolder,
  MAIN,
  measureCommand,
  measureNode,
  measureSync,
  median,
  rounded,
  settleDisk,
  startServer,
  writeConfig,
} from './measured.js'
import { LINE_BYTES, writeFirst } from './observations.js'

const { values } = parseArgs({
  options: {
    gb: { type: 'string', default: '0.3' },
    rounds: { type: 'string', default: '3' },
    files: { type: 'string', default: '8' },
    threads: { type: 'string', default: '2' },
    'memory-limit': { type: 'string', default: '1GB' },
    data: { type: 'string' },
    main: { type: 'string', multiple: true, default: [MAIN] },
    ways: { type: 'string', default: 'curl,byHand,stoker' },
    profile: { type: 'string', default: '0' },
  },
})
const BY_HAND = new URL('load-by-hand.js', import.meta.url).pathname
const DOWNLOADS = 4
const mains = values.main.map((path) => resolve(path))
if (spawnSync('curl', ['--version']).status !== 0) throw new Error('this bench needs curl')

const results = []
for (const gb of values.data === undefined ? values.gb.split(',').map(Number) : [undefined]) {
  results.push(await inFolder((folder) => bench(folder, gb)))
  process.stderr.write(`${JSON.stringify(results.at(-1))}\n`)
}
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)

async function bench(folder, gb) {
  const views = join(folder, 'views')
  mkdirSync(views)
  for (const { view } of SUBJECTS) writeFileSync(join(views, `${view.name}.json`), JSON.stringify(definition(view)))
  const data = join(folder, 'data')
  const served = join(data, 'first')
  const bytes = gb === undefined ? serve(values.data, served) : make(served, gb)
  const server = await startServer(data)
  const all = {
    curl: (place) => curl(server.baseUrl, served, place),
    byHand: (place) => byHand(server.baseUrl, served, place),
    ...Object.fromEntries(
      mains.map((main, at) => [
        at === 0 ? 'stoker' : `stoker${at + 1}`,
        (place) => sync(main, server.baseUrl, views, place),
      ]),
    ),
  }
  const ways = Object.entries(all).filter(([way]) => values.ways.split(',').includes(way.replace(/\d+$/, '')))
  const runs = Object.fromEntries(ways.map(([way]) => [way, []]))
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      // Each begins a round once: what comes before a way costs it, too.
      const first = round % ways.length
      const answers = new Map()
      for (const [way, run] of [...ways.slice(first), ...ways.slice(0, first)]) {
        const place = join(folder, way)
        mkdirSync(place)
        await settleDisk()
        runs[way].push(await run(place))
        if (way !== 'curl') answers.set(way, await fingerprint(place, way === 'byHand' ? '' : 'lake/snapshots/000001'))
        rmSync(place, { recursive: true })
      }
      if (new Set(answers.values()).size > 1) throw new Error(`the tables differ: ${[...answers.values()].join('\n')}`)
    }
  } finally {
    server.stop()
  }
  return { inputMB: Math.round(bytes / 1e6), rounds: Number(values.rounds), ...compared(runs), ...detail(runs) }
}

function make(folder, gb) {
  return writeFirst(folder, Math.round((gb * 1e9) / LINE_BYTES), Number(values.files))
}

function serve(from, folder) {
  mkdirSync(folder, { recursive: true })
  let bytes = 0
  for (const name of readdirSync(from).filter((each) => /^Observation\b.*\.ndjson$/.test(each))) {
    symlinkSync(resolve(from, name), join(folder, name))
    bytes += statSync(join(folder, name)).size
  }
  if (bytes === 0) throw new Error(`no Observation*.ndjson in ${from}`)
  return bytes
}

function definition(view) {
  return { resourceType: 'ViewDefinition', status: 'active', fhirVersion: ['4.0.1'], ...view }
}

/** As many at a time as Stoker fetches. */
async function curl(baseUrl, served, place) {
  const names = readdirSync(served)
  const args = names.flatMap((name) => ['-o', join(place, name), new URL(`files/first/${name}`, baseUrl).href])
  const run = await measureCommand('curl', [
    '-sS',
    '--fail',
    '--parallel',
    '--parallel-max',
    String(DOWNLOADS),
    ...args,
  ])
  if (run.code !== 0) throw new Error(run.said.map(({ text }) => text).join('\n'))
  return run
}

async function byHand(baseUrl, served, place) {
  const ndjson = join(place, 'ndjson')
  mkdirSync(ndjson)
  const fetched = await curl(baseUrl, served, ndjson)
  const loaded = await measureNode(BY_HAND, [ndjson, place, values['memory-limit'], values.threads])
  if (loaded.code !== 0) throw new Error(loaded.said.map(({ text }) => text).join('\n'))
  return {
    wallSeconds: fetched.wallSeconds + loaded.wallSeconds,
    cpuSeconds: fetched.cpuSeconds + loaded.cpuSeconds,
    peakRssMB: loaded.peakRssMB,
  }
}

async function sync(main, baseUrl, views, place) {
  const { threads, 'memory-limit': memoryLimit } = values
  return measureSync(main, await writeConfig(place, { baseUrl, views, memoryLimit, threads }))
}

/** Rows and a hash of the values both have: keys and lineage are Stoker's own. */
async function fingerprint(place, folder) {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const answers = []
  for (const { view } of SUBJECTS) {
    const files = join(place, folder, folder === '' ? `${view.name}.parquet` : `${view.name}/*.parquet`)
    const columns = `COLUMNS(c -> NOT starts_with(c, '_') AND NOT ends_with(c, '_key'))`
    const reader = await connection.runAndReadAll(
      `SELECT count(*), sum(hash(${columns}::VARCHAR)) FROM read_parquet('${files}')`,
    )
    answers.push(JSON.stringify(reader.getRowsJson()))
  }
  connection.closeSync()
  instance.closeSync()
  return answers.join(' ')
}

/** Medians, and each against the work by hand: 1 is as long, 0.8 is four fifths. */
function compared(runs) {
  const of = (key) =>
    Object.fromEntries(Object.entries(runs).map(([way, all]) => [way, median(all.map((run) => run[key]))]))
  const measure = (key) => {
    const all = of(key)
    const each = (make) => Object.fromEntries(Object.entries(all).map(([way, value]) => [way, rounded(make(value))]))
    const isCompared = all.byHand !== undefined
    return { median: each((value) => value), ...(isCompared && { againstByHand: each((value) => value / all.byHand) }) }
  }
  const peakRssMB = of('peakRssMB')
  delete peakRssMB.curl
  return { wallSeconds: measure('wallSeconds'), cpuSeconds: measure('cpuSeconds'), peakRssMB }
}

function detail(runs) {
  const syncs = Object.entries(runs).filter(([way]) => way.startsWith('stoker'))
  const phaseSeconds = Object.fromEntries(
    syncs.map(([way, all]) => [
      way,
      Object.fromEntries(
        Object.keys(all[0].phases).map((phase) => [phase, rounded(median(all.map((run) => run.phases[phase])))]),
      ),
    ]),
  )
  const count = Number(values.profile)
  if (count === 0) return { phaseSeconds }
  return {
    phaseSeconds,
    statements: Object.fromEntries(syncs.map(([way, all]) => [way, dearest(all.at(-1).statements, count)])),
  }
}

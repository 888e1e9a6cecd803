/** Commands of a bench as processes of their own: how long, how much work, how much memory, and when they said what. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const METER = new URL('meter.js', import.meta.url).href
export const MAIN = new URL('../../dist/main.js', import.meta.url).pathname

/** A folder for `work`, gone afterwards whatever happens. */
export async function inFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-bench-'))
  const stop = () => process.exit(130)
  process.once('SIGINT', stop)
  try {
    return await work(folder)
  } finally {
    process.off('SIGINT', stop)
    await rm(folder, { recursive: true, force: true })
  }
}

/** @returns base URL and an end */
export async function startServer(folder) {
  const child = spawn(process.execPath, [new URL('bulk-server.js', import.meta.url).pathname, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface(child.stdout), 'line')
  return { baseUrl: line.trim(), stop: () => child.kill() }
}

/**
 * Runs a Node script under the meter.
 * @returns `{wallSeconds, cpuSeconds, peakRssMB, statements, out, said}`; `said` is stderr, line by line with its time
 */
export async function measureNode(script, args, { dist = '', env = {} } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-meter-'))
  try {
    const report = join(folder, 'report.json')
    const run = await timed(process.execPath, ['--import', METER, script, ...args], {
      ...env,
      BENCH_METER: report,
      BENCH_DIST: dist,
    })
    return { ...run, ...JSON.parse(await readFile(report, 'utf8')) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Any other command, under bash's `time`. */
export async function measureCommand(command, args) {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@"'
  const { said, ...run } = await timed('bash', ['-c', script, 'bash', command, ...args])
  const [wallSeconds, user, system] = said.at(-1).text.split(' ').map(Number)
  return { ...run, said, wallSeconds, cpuSeconds: user + system }
}

/** What the last way wrote to disk must not be paid by the next. */
export async function settleDisk() {
  await once(spawn('sync', { stdio: 'ignore' }), 'close')
}

export async function writeConfig(folder, { baseUrl, views, memoryLimit, threads }) {
  const path = join(folder, 'stoker.yaml')
  await writeFile(
    path,
    `lake: lake
memoryLimit: ${memoryLimit}
threads: ${threads}
views: { shipped: false, folders: [${resolve(views)}] }
sources:
  - { name: bench, baseUrl: "${baseUrl}", level: system, auth: { kind: none }, types: [Observation] }
`,
  )
  return path
}

/** One `stoker sync`, with its phases by what it says of itself. @throws when it fails */
export async function measureSync(main, config, args = []) {
  const began = Date.now()
  const run = await measureNode(main, ['sync', '--config', config, '--json', ...args], { dist: dirname(main) })
  if (run.code !== 0)
    throw new Error(`the sync ended with ${run.code}:\n${run.said.map(({ text }) => text).join('\n')}`)
  const at = (pattern) => run.said.findLast(({ text }) => pattern.test(text))?.at ?? Number.NaN
  const [landed, committed, published] = [at(/: landed /), at(/: committed: /), at(/: published snapshot /)]
  const tables = /: (\d+) tables?, (\d+) of them unchanged/.exec(run.said.map(({ text }) => text).join('\n'))
  return {
    ...run,
    outcome: JSON.parse(run.out).sources[0],
    tablesWritten: Number(tables[1]) - Number(tables[2]),
    phases: {
      gather: (landed - began) / 1000,
      merge: (committed - landed) / 1000,
      publish: (published - committed) / 1000,
      all: run.wallSeconds,
    },
  }
}

async function timed(command, args, env = {}) {
  const began = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const said = []
  let out = ''
  createInterface(child.stderr).on('line', (text) => said.push({ at: Date.now(), text }))
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text))
  const [code] = await once(child, 'close')
  return { code, out, said, wallSeconds: (performance.now() - began) / 1000 }
}

export function median(all) {
  const sorted = [...all].sort((left, right) => left - right)
  return (sorted[Math.floor((all.length - 1) / 2)] + sorted[Math.floor(all.length / 2)]) / 2
}

export function rounded(value, digits = 2) {
  return Math.round(value * 10 ** digits) / 10 ** digits
}

/** The dearest statements of a run, those of one shape together. */
export function dearest(statements, count) {
  const shapes = new Map()
  for (const { sql, seconds, cpuSeconds } of statements) {
    const shape = sql
      .replaceAll(/'[^']*'/g, "'…'")
      .replaceAll(/\d+/g, 'n')
      .replaceAll(/\['…'(, '…')*\]/g, "['…']")
    const sum = shapes.get(shape) ?? { seconds: 0, cpuSeconds: 0, times: 0 }
    shapes.set(shape, { seconds: sum.seconds + seconds, cpuSeconds: sum.cpuSeconds + cpuSeconds, times: sum.times + 1 })
  }
  return [...shapes]
    .sort(([, left], [, right]) => right.seconds - left.seconds)
    .slice(0, count)
    .map(([sql, { seconds, cpuSeconds, times }]) => ({
      seconds: rounded(seconds),
      cpuSeconds: rounded(cpuSeconds),
      times,
      sql: sql.slice(0, 140),
    }))
}

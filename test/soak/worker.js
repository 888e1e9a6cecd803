/**
 * The worker for a long time, against three servers that change all the while: one healthy, one that fails every second
 * time, one that is slow. In the first half it is killed, stopped and told to read its configuration again at random; the
 * second half is one process, in which a leak of memory, handles or files would show. At the end the changes stop, and the
 * tables must be what the servers hold. Prints figures as JSON; exit code 1 where something is not as it must be.
 *
 *     npm run build && node test/soak/worker.js [--minutes 30] [--seed 1] [--keep]
 */
import { DuckDBInstance } from '@duckdb/node-api'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startDemoServer } from '../../dist/demo/server.js'
import { Sampler } from './sampler.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    keep: { type: 'boolean', default: false },
  },
})
const MAIN = new URL('../../dist/main.js', import.meta.url).pathname
const MINUTES = Number(values.minutes)
const TYPES = ['Patient', 'Condition', 'Encounter', 'Observation']
const SOURCES = {
  healthy: { seed: 1, behaviour: { pollsBeforeDone: 0 } },
  failing: { seed: 2, behaviour: { pollsBeforeDone: 0 } },
  slow: { seed: 3, behaviour: { pollsBeforeDone: 10, retryAfterSeconds: 2 } },
}
/** Between two changes of every server. */
const CHANGE_MS = 7_000
/** Between two interruptions, at most; at least a third of it. */
const INTERRUPT_MS = Math.min(90_000, (MINUTES * 60_000) / 6)
const SAMPLE_MS = 2_000
/** For the last runs to bring in the last changes. */
const SETTLE_MS_MAX = 300_000

const random = generator(Number(values.seed))
const folder = await mkdtemp(join(tmpdir(), 'stoker-soak-'))
const config = join(folder, 'stoker.yaml')
const servers = {}
const figures = { interruptions: { SIGKILL: 0, SIGTERM: 0, SIGHUP: 0 }, stopMs: [], wrongExits: [] }
/** Of every run published, by source: when. */
const publishedAt = Object.fromEntries(Object.keys(SOURCES).map((name) => [name, []]))
/** By message of the log, and code where it has one. */
const told = {}
let worker
let sampler

try {
  for (const [name, { seed, behaviour }] of Object.entries(SOURCES))
    servers[name] = await startDemoServer({ patients: 40, seed, behaviour })
  await writeConfig(2)
  const endMs = Date.now() + MINUTES * 60_000
  const changing = changeUntil(endMs)
  start()
  while (Date.now() < endMs - (MINUTES * 60_000) / 2) await interrupt()
  await sleep(Math.max(0, endMs - Date.now()))
  await changing
  const settledMs = await settle()
  await stop('SIGTERM')
  const answer = { minutes: MINUTES, seed: Number(values.seed), ...(await summary()), settledMs }
  process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
  process.exitCode = answer.wrong.length > 0 ? 1 : 0
} finally {
  worker?.child.kill('SIGKILL')
  for (const server of Object.values(servers)) await server.stop()
  if (values.keep) process.stderr.write(`kept: ${folder}\n`)
  else await rm(folder, { recursive: true, force: true })
}

async function writeConfig(sourcesAtOnce) {
  const sources = Object.entries(servers).map(
    ([name, { baseUrl }]) =>
      `  - {name: ${name}, baseUrl: '${baseUrl}', level: system, auth: {kind: none}, types: [${TYPES.join(', ')}], schedule: {cron: '*/5 * * * * *'}}`,
  )
  await writeFile(
    config,
    `lake: lake
memoryLimit: 256MiB
worker: {sourcesAtOnce: ${sourcesAtOnce}, jitterSeconds: 1}
http: {listen: '127.0.0.1:0'}
rawLog: {keep: latest}
snapshots: {keep: 5, days: 0}
sources:
${sources.join('\n')}
`,
  )
}

function start() {
  const child = spawn(process.execPath, [MAIN, 'worker', '--config', config], { stdio: ['ignore', 'inherit', 'pipe'] })
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })))
  worker = { child, ended }
  sampler = new Sampler(child.pid, join(folder, 'lake'), SAMPLE_MS)
  let rest = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop()
    for (const line of lines) heard(line)
  })
}

/** The failing server fails exactly every second time: it hears of each end of a run. */
function heard(line) {
  if (!line.startsWith('{')) return void (told[line] = (told[line] ?? 0) + 1)
  const { msg, source, code, level } = JSON.parse(line)
  const words = level >= 40 && code !== undefined ? `${msg} (${source ?? '-'}, ${code})` : msg
  told[words] = (told[words] ?? 0) + 1
  if (msg === 'run published') publishedAt[source].push(Date.now())
  if (source !== 'failing') return
  if (msg === 'run published') servers.failing.behaviour = { ...servers.failing.behaviour, levels: [] }
  if (msg.startsWith('source failed')) servers.failing.behaviour = { ...servers.failing.behaviour, levels: ['system'] }
}

async function stop(signal) {
  const at = Date.now()
  worker.child.kill(signal)
  const { code } = await worker.ended
  await sampler.stop()
  if (signal !== 'SIGTERM') return
  figures.stopMs.push(Date.now() - at)
  if (code !== 143) figures.wrongExits.push(code)
}

async function interrupt() {
  await sleep(INTERRUPT_MS / 3 + (random() * (INTERRUPT_MS * 2)) / 3)
  const signal = ['SIGKILL', 'SIGTERM', 'SIGHUP'][Math.floor(random() * 3)]
  figures.interruptions[signal] += 1
  if (signal === 'SIGHUP') {
    await writeConfig(1 + Math.floor(random() * 3))
    worker.child.kill('SIGHUP')
    return
  }
  await stop(signal)
  start()
}

async function changeUntil(endMs) {
  for (let seed = 1; Date.now() < endMs; seed += 1) {
    for (const server of Object.values(servers)) await server.change({ percent: 2, seed })
    await sleep(CHANGE_MS)
  }
}

/** Until each source has published twice since the last change: the first of them may have asked before it. */
async function settle() {
  const at = Date.now()
  const isIn = (times) => times.filter((time) => time > at).length >= 2
  while (!Object.values(publishedAt).every(isIn) && Date.now() - at < SETTLE_MS_MAX) await sleep(500)
  return Date.now() - at
}

async function summary() {
  const runs = await rows(
    'warehouse.duckdb',
    'SELECT source, state, count(*)::INTEGER AS count FROM stoker.run GROUP BY ALL ORDER BY ALL',
  )
  const tables = { Patient: 'patient', Condition: 'condition', Encounter: 'encounter', Observation: 'observation' }
  const wrong = []
  for (const [name, server] of Object.entries(servers)) {
    for (const [type, table] of Object.entries(tables)) {
      const [{ count }] = await rows(
        'catalog.duckdb',
        `SELECT count(*)::INTEGER AS count FROM ${table} WHERE _source = '${name}'`,
      )
      const held = server.store.counts()[type] ?? 0
      if (count !== held) wrong.push(`${name} holds ${held} of ${type}, the table has ${count}`)
    }
  }
  const unhandled = Object.keys(told).filter((words) => /INTERNAL|STORE_|MERGE_|Error/.test(words))
  wrong.push(...unhandled.map((words) => `told: ${words}`))
  if (figures.wrongExits.length > 0) wrong.push(`exit codes after SIGTERM: ${figures.wrongExits.join(', ')}`)
  const { count, rssMB, handles, sockets, files, api } = sampler.figures()
  return {
    wrong,
    interruptions: figures.interruptions,
    stopMsMax: Math.max(...figures.stopMs),
    publishedRuns: Object.fromEntries(Object.entries(publishedAt).map(([name, times]) => [name, times.length])),
    secondsBetweenPublished: Object.fromEntries(
      Object.entries(publishedAt).map(([name, times]) => [name, gaps(times)]),
    ),
    runs,
    lastProcess: { samples: count, rssMB, handles, sockets, files, api },
    told,
  }
}

function gaps(times) {
  const sorted = times
    .slice(1)
    .map((time, i) => Math.round((time - times[i]) / 1000))
    .sort((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)], max: sorted.at(-1) }
}

async function rows(database, sql) {
  const path = join(folder, 'lake', database)
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' })
  try {
    const connection = await instance.connect()
    return (await connection.runAndReadAll(sql)).getRowObjectsJson()
  } finally {
    instance.closeSync()
  }
}

/** Mulberry32: the same seed, the same interruptions. */
function generator(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

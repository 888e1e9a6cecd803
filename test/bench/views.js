/**
 * Views against what one would write instead, on Observations and on ExplanationOfBenefits with items and adjudications:
 * the compiled SQL, the same by hand, JSON extraction by path, and split2 + JSON.parse + a flattener in JavaScript.
 * Rounds go through all of them in turn; prints medians and the time each takes against ours, as JSON.
 *
 *     npm run build && node test/bench/views.js [--observations 1000000] [--benefits 100000] [--rounds 3] [--threads 2]
 *
 * The SQL reads the raw log (Parquet, zstd) and writes a table; JavaScript reads NDJSON and counts rows, writing nothing.
 */
import { DuckDBInstance } from '@duckdb/node-api'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import split2 from 'split2'
import { compileView } from '../../dist/views/compile.js'
import { BENEFIT, OBSERVATION } from './views-by-hand.js'

const { values } = parseArgs({
  options: {
    observations: { type: 'string', default: '1000000' },
    benefits: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
  },
})
const folder = await mkdtemp(join(tmpdir(), 'stoker-bench-'))
const instance = await DuckDBInstance.create(join(folder, 'bench.duckdb'), { threads: values.threads })
const connection = await instance.connect()
try {
  await connection.run(`SET TimeZone = 'UTC'`)
  const results = [await bench(OBSERVATION, Number(values.observations)), await bench(BENEFIT, Number(values.benefits))]
  process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
} finally {
  connection.closeSync()
  instance.closeSync()
  await rm(folder, { recursive: true, force: true })
}

async function bench(subject, count) {
  const ndjson = join(folder, `${subject.view.resource}.ndjson`)
  const parquet = join(folder, `${subject.view.resource}.parquet`)
  await write(ndjson, count, subject.resource)
  await connection.run(`COPY (SELECT json FROM read_ndjson_objects('${ndjson}')) TO '${parquet}' (COMPRESSION zstd)`)
  const from = `read_parquet('${parquet}')`
  const view = compileView(subject.view)
  const ways = {
    compiled: () => table(view.sql({ from, json: 'json', carry: [] })),
    byHand: () => table(subject.byHand(from)),
    jsonExtraction: () => table(subject.jsonExtraction(from)),
    javascript: () => flattened(ndjson, subject.flatten),
    lossCount: () => connection.run(view.lossSql({ from, json: 'json' })).then(() => undefined),
  }
  const seconds = Object.fromEntries(Object.keys(ways).map((way) => [way, []]))
  const cpuSeconds = Object.fromEntries(Object.keys(ways).map((way) => [way, []]))
  const answers = {}
  for (let round = 0; round < Number(values.rounds); round++) {
    // Each begins a round once: what comes before a way costs it, too.
    const inTurn = Object.entries(ways)
    for (const [way, run] of [...inTurn.slice(round % inTurn.length), ...inTurn.slice(0, round % inTurn.length)]) {
      const [began, cpu] = [performance.now(), process.cpuUsage()]
      const rows = await run()
      const { user, system } = process.cpuUsage(cpu)
      seconds[way].push((performance.now() - began) / 1000)
      cpuSeconds[way].push((user + system) / 1e6)
      if (way !== 'lossCount') answers[way] = rows ?? (await fingerprint())
    }
  }
  checkAnswers(answers)
  return {
    resource: subject.view.resource,
    resources: count,
    ndjsonMB: Math.round((await stat(ndjson)).size / 1e6),
    rows: answers.javascript,
    wall: compared(seconds),
    /** Of all threads: what a busy machine does not blur. */
    cpu: compared(cpuSeconds),
  }
}

/** Medians, and the time each takes against ours: 3 is three times as long. */
function compared(all) {
  const medianSeconds = Object.fromEntries(Object.entries(all).map(([way, times]) => [way, median(times)]))
  const ratio = (time) => Math.round((time / medianSeconds.compiled) * 100) / 100
  return {
    medianSeconds,
    againstCompiled: Object.fromEntries(Object.entries(medianSeconds).map(([way, time]) => [way, ratio(time)])),
  }
}

async function table(sql) {
  await connection.run(`CREATE OR REPLACE TABLE answer AS ${sql}`)
}

/** Rows, and a hash of all their values in whatever order. */
async function fingerprint() {
  const reader = await connection.runAndReadAll(
    `SELECT count(*) AS rows, bit_xor(hash(COLUMNS(*)::VARCHAR)) FROM answer`,
  )
  return JSON.stringify(reader.getRowsJson()[0])
}

function checkAnswers({ javascript, ...sql }) {
  const [first] = Object.values(sql)
  const same = Object.values(sql).every((one) => one === first) && JSON.parse(first)[0] === String(javascript)
  if (!same) throw new Error(`the ways differ: ${JSON.stringify({ javascript, ...sql })}`)
}

async function flattened(file, flatten) {
  let rows = 0
  const count = new Writable({
    objectMode: true,
    write(line, _, done) {
      rows += flatten(JSON.parse(line)).length
      done()
    },
  })
  await pipeline(createReadStream(file), split2(), count)
  return rows
}

async function write(file, count, resource) {
  const out = createWriteStream(file)
  for (let index = 0; index < count; index++) {
    if (!out.write(`${JSON.stringify(resource(index))}\n`)) await once(out, 'drain')
  }
  out.end()
  await once(out, 'close')
}

function median(all) {
  return Math.round([...all].sort((left, right) => left - right)[Math.floor(all.length / 2)] * 1000) / 1000
}

/**
 * Memory of one sync of one big file: serves an Observation file of the wanted size, syncs it with the built command,
 * and prints the peak resident set of that process (Linux: VmHWM) beside DuckDB's limit.
 *
 *     npm run build && node test/bench/one-gigabyte.js [--gb 1] [--memory-limit 512MB] [--threads 2] [--keep]
 */
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    gb: { type: 'string', default: '1' },
    'memory-limit': { type: 'string', default: '512MB' },
    threads: { type: 'string', default: '2' },
    keep: { type: 'boolean', default: false },
  },
})
const MAIN = new URL('../../dist/main.js', import.meta.url).pathname
const SEED = new URL('../fixtures/synthea/Observation.000.ndjson', import.meta.url)
const folder = await mkdtemp(join(tmpdir(), 'stoker-bench-'))

const file = await makeFile(Number(values.gb) * 1e9)
const server = spawn(process.execPath, [MAIN, 'demo-server', '--port', '0', '--data', join(folder, 'data')], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
try {
  const config = join(folder, 'stoker.yaml')
  await writeFile(
    config,
    `lake: lake
memoryLimit: ${values['memory-limit']}
threads: ${values.threads}
sources:
  - { name: bench, baseUrl: ${await baseUrlOf(server)}, level: system, auth: { kind: none }, types: [Observation] }
`,
  )
  const began = performance.now()
  const sync = spawn(process.execPath, [MAIN, 'sync', '--config', config, '--json'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const samples = watchMemory(sync)
  sync.stdout.resume()
  const [code] = await once(sync, 'close')
  const seconds = (performance.now() - began) / 1000
  const rows = await query(config, 'SELECT count(*) AS n FROM observation')
  process.stdout.write(
    `${JSON.stringify(
      {
        fileMB: mb(file.bytes),
        resources: file.lines,
        rows: rows[0]?.n,
        memoryLimit: values['memory-limit'],
        peakRssMB: mb((await samples.stop()) * 1024),
        seconds: Math.round(seconds * 10) / 10,
        exitCode: code,
      },
      null,
      2,
    )}\n`,
  )
  process.exitCode = code === 0 && Number(rows[0]?.n) === file.lines ? 0 : 1
} finally {
  server.kill()
  if (!values.keep) await rm(folder, { recursive: true, force: true })
}

/** The fixture's observations again and again, each copy under ids of its own. */
async function makeFile(bytesWanted) {
  const lines = (await readFile(SEED, 'utf8')).split('\n').filter((line) => line.trim() !== '')
  await mkdir(join(folder, 'data'), { mode: 0o700 })
  const path = join(folder, 'data', 'Observation.ndjson')
  const out = createWriteStream(path, { mode: 0o600 })
  let written = 0
  let copies = 0
  while (written < bytesWanted) {
    const copy = lines.map((line) => line.replace(/"id":"([^"]+)"/, `"id":"$1-${copies}"`)).join('\n')
    if (!out.write(`${copy}\n`)) await once(out, 'drain')
    written += copy.length + 1
    copies += 1
  }
  out.end()
  await once(out, 'close')
  return { bytes: (await stat(path)).size, lines: copies * lines.length }
}

async function baseUrlOf(child) {
  let text = ''
  for await (const chunk of child.stdout) {
    text += chunk
    const found = /FHIR base\s+(\S+)/.exec(text)
    if (found !== null) return found[1]
  }
  throw new Error('the demo server did not start')
}

/** Reads the process's high-water mark until it ends: the kernel's own, so that no peak falls between two looks. */
function watchMemory(child) {
  let peakKb = 0
  const timer = setInterval(() => {
    readFile(`/proc/${child.pid}/status`, 'utf8').then(
      (text) => (peakKb = Math.max(peakKb, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0))),
      () => undefined,
    )
  }, 50)
  return {
    stop: async () => {
      clearInterval(timer)
      return peakKb
    },
  }
}

async function query(config, sql) {
  const child = spawn(process.execPath, [MAIN, 'query', '--config', config, '--format', 'json', sql], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  return JSON.parse(text)
}

function mb(bytes) {
  return Math.round(bytes / 1e6)
}

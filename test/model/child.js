/** A process that runs the source of a lake as `stoker sync` does, and ends itself at a step it is told. Runs on dist/. */
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { DuckDBConnection } from '@duckdb/node-api'
import { bulkAuth } from '../../dist/app/bulk-auth.js'
import { loadConfig } from '../../dist/app/config.js'
import { openWorker } from '../../dist/app/worker-context.js'
import { BulkClient } from '../../dist/bulk/client.js'
import { silentLog } from '../../dist/core/log.js'
import { runSource } from '../../dist/worker/run.js'

const FILE_CALLS = ['rename', 'rm', 'link', 'copyFile', 'mkdir', 'writeFile', 'open', 'unlink', 'readdir']

process.once('message', (job) => {
  work(job).then(
    (outcome) => process.send({ outcome }, () => process.exit(0)),
    (error) => process.send({ error: { code: error.code ?? 'NONE', message: error.message } }, () => process.exit(0)),
  )
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit(0))

async function work({ folder, nowMs, full, kill }) {
  killAt(kill)
  const config = await loadConfig(join(folder, 'stoker.yaml'))
  const observe = () => undefined
  const worker = await openWorker(config, { log: silentLog, observe, signal: new AbortController().signal })
  const clock = fastClock(nowMs)
  const { auth, ...options } = config.sources[0]
  const common = {
    auth: bulkAuth(auth),
    log: silentLog,
    clock,
    trace: undefined,
    random: () => 0.5,
    userAgent: 'model',
  }
  const source = { ...worker.sources[0], connect: () => new BulkClient({ ...options, ...common }) }
  const { run, mode, resumed, books } = await runSource({ ...worker.context, clock }, source, full)
  await worker.close()
  const held = books.types.flatMap((type) => (type.held === null ? [] : [type.type]))
  const changed = books.types.reduce((sum, type) => sum + type.inserted + type.updated + type.deleted, 0)
  return { run, mode, resumed, held, changed }
}

/** Every statement and every call that changes files is a step. */
function killAt({ step, moment }) {
  let steps = 0
  const counted = (call) =>
    function (...given) {
      steps += 1
      if (steps !== step) return call.apply(this, given)
      if (moment === 'before') process.kill(process.pid, 'SIGKILL')
      const answer = call.apply(this, given)
      if (moment === 'during') process.kill(process.pid, 'SIGKILL')
      return Promise.resolve(answer).finally(() => process.kill(process.pid, 'SIGKILL'))
    }
  for (const name of ['run', 'runAndReadAll', 'stream']) {
    DuckDBConnection.prototype[name] = counted(DuckDBConnection.prototype[name])
  }
  const files = createRequire(import.meta.url)('node:fs/promises')
  for (const name of FILE_CALLS) files[name] = counted(files[name])
  syncBuiltinESMExports()
}

function fastClock(nowMs) {
  return {
    now: () => new Date(nowMs),
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      nowMs += ms
    },
  }
}

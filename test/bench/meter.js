/**
 * Loaded before a command (`node --import`), writes at its end what it took: seconds of its threads, the peak of its
 * memory and, of Stoker's own build, every statement with its seconds.
 *
 *     BENCH_METER=report.json [BENCH_DIST=dist] node --import ./test/bench/meter.js dist/main.js …
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const { BENCH_METER: report, BENCH_DIST: dist } = process.env
const statements = []
if (dist) await timeStatements()
process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
  const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6
  writeFileSync(report, JSON.stringify({ cpuSeconds, peakRssMB: Math.round((maxRSS * 1024) / 1e6), statements }))
})

/** Every statement goes through the session's `run`, `rows` or `stream`; the last is read at leisure and not timed. */
async function timeStatements() {
  const { Session } = await import(pathToFileURL(join(dist, 'store/session.js')).href)
  for (const name of ['run', 'rows']) {
    const original = Session.prototype[name]
    Session.prototype[name] = async function (sql, ...rest) {
      const [at, cpu] = [Date.now(), process.cpuUsage()]
      try {
        return await original.call(this, sql, ...rest)
      } finally {
        const seconds = (Date.now() - at) / 1000
        const { user, system } = process.cpuUsage(cpu)
        statements.push({ sql: sql.replace(/\s+/g, ' ').trim(), at, seconds, cpuSeconds: (user + system) / 1e6 })
      }
    }
  }
}

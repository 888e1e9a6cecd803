/** All that is done to a worker over the canary lake: each kind of run, each address, by who may and who may not. */
import { readFile } from 'node:fs/promises'
import type { CanaryLake } from './canary-lake.ts'
import { CANARIES } from './canary-server.ts'
import { CanaryWorker } from './canary-worker.ts'

const OPENAPI = new URL('../../schemas/api.openapi.json', import.meta.url)

const PAGES = [
  ...[
    '/',
    '/?asked=queued&source=canary',
    '/sources/canary',
    '/sources/none',
    '/progress',
    '/runs',
    '/runs?failed=yes',
  ],
  ...['/runs/999', '/tables', '/tables/patient', '/tables/none', '/snapshots', '/watermarks', '/charts', '/login'],
  ...['/cohorts', '/cohorts/all', '/cohorts/failing', '/nothing'],
]

export interface Visit {
  readonly worker: CanaryWorker
  readonly seen: Awaited<ReturnType<CanaryWorker['seen']>>
}

/** A worker at work from its start to its end. */
export async function visitWorker(lake: CanaryLake): Promise<Visit> {
  const worker = await CanaryWorker.start(lake, 'json')
  await worker.sync('kick-off refused', true)
  await worker.sync('token refused')
  await worker.sync('status broken')
  await worker.sync('odd files')
  await worker.ask('/')
  await worker.ask('/api/sources')
  await worker.cancelled('odd manifest', isOfRun('delayed'), () => Promise.resolve())
  await worker.cancelled('never done', isOfRun('waiting'), async () => {
    for (const path of ['/', '/progress', '/sources/canary', '/api/sources', '/metrics']) await worker.ask(path)
    await lake.run('status beside a worker', [0], 'status')
  })
  await worker.sync('busy')
  await worker.sync('export failed')
  await lake.run('sync by a worker', [3, 4], 'sync')
  await worker.sync('increment')
  for (const path of [...PAGES, ...(await apiPaths())]) await worker.ask(path)
  await askQueries(worker)
  await askAmiss(worker)
  await lake.configure(`    clientSecret: ${CANARIES.clientSecret}\n`)
  await worker.reload('configuration refused')
  await worker.ask('/api/reload', { body: {} })
  await lake.configure()
  const seen = await seenWhileAsked(worker)
  await worker.ask('/metrics')
  await worker.end('SIGTERM')
  return { worker, seen }
}

/** One with a log for people, that has no time to clear up. */
export async function visitAndKill(lake: CanaryLake): Promise<CanaryWorker> {
  const worker = await CanaryWorker.start(lake, 'pretty')
  await worker.sync('kick-off refused')
  await worker.sync('busy')
  await worker.end('SIGKILL')
  return worker
}

const isOfRun = (kind: string) => (event: { kind: string; event?: { kind: string } }) => event.event?.kind === kind

/** Every address that the API describes, as somebody without the token asks: one that is new is asked too. */
async function apiPaths(): Promise<string[]> {
  const { paths } = JSON.parse(await readFile(OPENAPI, 'utf8')) as { paths: Record<string, object> }
  const asked = Object.entries(paths).filter(([path, methods]) => 'get' in methods && path !== '/api/events')
  const named = (path: string) => (/cohorts/.test(path) ? 'failing' : /tables/.test(path) ? 'patient' : 'canary')
  const runs = Array.from({ length: 12 }, (_, i) => i + 1)
  return asked
    .flatMap(([path]) => (path.includes('{run}') ? runs.map((run) => path.replace('{run}', String(run))) : [path]))
    .map((path) => path.replace('{name}', named(path)))
    .concat(runs.map((run) => `/runs/${run}`))
}

const SELECT_NAMES = { sql: `SELECT family_name, '${CANARIES.asked}' AS asked FROM patient` }
const CAST = { sql: 'SELECT CAST(family_name AS INTEGER) FROM patient' }
const REFUSED = { sql: `SELECT * FROM read_text('/tmp/${CANARIES.asked}')` }

async function askQueries(worker: CanaryWorker): Promise<void> {
  const { token } = worker
  for (const body of [SELECT_NAMES, CAST, REFUSED]) await worker.ask('/query', { body, token, as: 'with the token' })
  await worker.ask('/query', { body: SELECT_NAMES })
  await worker.ask('/query', { body: CAST, token: CANARIES.wrongToken })
  for (const what of ['members', 'diff']) await worker.ask(`/api/cohorts/all/${what}`, { token, as: 'with the token' })
  await worker.ask('/api/ledger', { body: { question: 'lastRun' } })
  await worker.ask('/api/cohorts/all/run', { body: {} })
  await worker.ask('/api/cohorts/failing/run', { body: {} })
}

/** What was asked is told back to who asked it, and to no log. */
async function askAmiss(worker: CanaryWorker): Promise<void> {
  const amiss = { as: 'what was asked' }
  for (const path of [
    `/${CANARIES.asked}`,
    `/api/tables/${CANARIES.asked}`,
    `/api/runs?source=${CANARIES.asked}&limit=-1`,
  ])
    await worker.ask(path, amiss)
  await worker.ask(`/sources/${CANARIES.asked}`, { ...amiss, token: CANARIES.wrongToken })
  await worker.ask(`/api/sources/${CANARIES.asked}/sync`, { ...amiss, body: { [CANARIES.asked]: true } })
  await worker.ask('/query', { ...amiss, token: worker.token, body: { sql: CANARIES.asked, format: CANARIES.asked } })
}

/** A query that would take for ever, looked at from outside, and given up. */
async function seenWhileAsked(worker: CanaryWorker): Promise<Visit['seen']> {
  const leaving = new AbortController()
  const sql = `SELECT count(*) FROM range(1000000000000) WHERE range::VARCHAR = '${CANARIES.asked}'`
  const answer = worker
    .ask('/query', { body: { sql }, token: worker.token, signal: leaving.signal })
    .catch(() => undefined)
  try {
    return await worker.seen()
  } finally {
    leaving.abort()
    await answer
  }
}

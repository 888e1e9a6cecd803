/** Words from elsewhere are words on a page, whatever they are made of. */
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CohortDesk, CohortShown } from '../../src/http/cohort-desk.ts'
import type { HttpDeps, HttpEnv } from '../../src/http/deps.ts'
import { pageRoutes, unknownPage } from '../../src/http/page/routes.ts'
import type { Control, RunProgress, SourceState } from '../../src/service/control.ts'
import { tagsOf, textOf } from './markup.ts'
import { PageWorker } from './page-worker.ts'

/** Ends what it may stand in: an element, an attribute, a comment, JSON. */
const EVIL = `"'></script></q></title><script>alert(1)</script><img src=x onerror=alert(2)>`
const SQL_EVIL = EVIL.replaceAll("'", "''")

let worker: PageWorker
let app: Hono<HttpEnv>

beforeAll(async () => {
  worker = await PageWorker.start({ sources: { clinic: {} } })
  await worker.sync('clinic')
  for (const [table, columns] of Object.entries(COLUMNS))
    for (const column of columns) await worker.session.run(`UPDATE stoker.${table} SET ${column} = '${SQL_EVIL}'`)
  for (const statement of INSERTS) await worker.session.run(statement)
  app = appOf({ ...worker.deps, control: CONTROL, views: evilViews(worker.deps), cohorts: COHORTS }, true)
})

afterAll(() => worker.stop())

/** Texts of the ledger that a server, a file or a configuration has a say in; no page needs them to be what they were. */
const COLUMNS = {
  run: ['error_code', 'error_message', 'error_hint', 'stoker_version', 'source'],
  file: ['url', 'note', 'type', 'sha256'],
  export: ['request_url', 'since'],
  run_type: ['type', 'held'],
  watermark: ['type', 'source'],
}

const INSERTS = [
  `INSERT INTO stoker.reject SELECT run, file, 1, 0, '${SQL_EVIL}' FROM stoker.file`,
  `INSERT INTO stoker.message SELECT run, file, '${SQL_EVIL}', '${SQL_EVIL}', 1 FROM stoker.file`,
  `INSERT INTO stoker.finding SELECT run, export, file, '${SQL_EVIL}', 'COUNT_SHORT', 1 FROM stoker.file`,
  `INSERT INTO stoker.run_loss SELECT run, 'patient', '${SQL_EVIL}', NULL, '${SQL_EVIL}', 1 FROM stoker.run`,
]

const PROGRESS: RunProgress = {
  ...{ run: 1, mode: 'full', resumed: true, startedAt: new Date(0), step: 'merging', stepAt: new Date(0) },
  files: { landed: 1, lost: 1, of: 3 },
  ...{ bytes: 1, lines: 1, resources: 1, rejects: 1, percentDone: 42.9 },
  delayed: { code: EVIL, untilAt: new Date(8e15) },
  tables: { done: 1, of: 2, now: EVIL },
}

const STATE: SourceState = {
  name: EVIL,
  activity: 'running',
  schedule: { cron: EVIL, timeZone: EVIL },
  ...{ nextAt: undefined, retryAt: undefined, failures: 2, progress: PROGRESS },
  error: { at: new Date(0), run: 1, code: EVIL, message: EVIL, hint: EVIL, retryable: true },
}

const CONTROL: Control = {
  startedAt: new Date(0),
  heartbeat: { at: new Date(0), rss: 1, diskFree: 1, hasRoom: false },
  lastReload: { at: new Date(0), ok: false, error: { code: EVIL, message: EVIL, hint: EVIL } },
  sources: () => [STATE],
  subscribe: () => () => undefined,
  trigger: () => 'queued',
  cancel: async () => ({ run: undefined }),
  reload: async () => ({ kind: 'reloaded', changed: [] }),
}

const COHORT: CohortShown = {
  ...{ cohort: EVIL, description: EVIL, sql: EVIL, parameters: { [EVIL]: EVIL, list: [EVIL] } },
  ...{ snapshot: 1, ran_at: new Date(0), members: 2, entered: 1, left: 0, error_code: EVIL, error_message: EVIL },
  runs: [2, 1].map((snapshot) => ({
    ...{ snapshot, ran_at: new Date(snapshot), members: 1, entered: 0, left: 0, error_code: EVIL, error_message: EVIL },
  })),
}

const COHORTS: CohortDesk = {
  list: async () => [COHORT],
  show: async () => COHORT,
  members: async () => [{ patient_key: EVIL, entered: 1 }],
  diff: async () => ({ from: null, to: null, entered: [], left: [] }),
  run: async () => COHORT,
}

function evilViews({ views }: HttpDeps): HttpDeps['views'] {
  return views.map((view) => ({
    ...view,
    description: EVIL,
    resource: EVIL,
    hash: EVIL,
    columns: view.columns.map((column) => ({ ...column, description: `\`${EVIL}\``, type: EVIL })),
  }))
}

function appOf(deps: HttpDeps, signedIn: boolean, isLoopback = true): Hono<HttpEnv> {
  const outer = new Hono<HttpEnv>()
  outer.use(async (c, next) => {
    c.set('signedIn', signedIn)
    c.set('isLoopback', isLoopback)
    await next()
  })
  outer.route('/', pageRoutes(deps))
  outer.notFound((c) => unknownPage(deps, c))
  return outer
}

const NAME = encodeURIComponent(EVIL)
const PATHS = [
  ...[
    '/',
    `/?asked=queued&source=${NAME}`,
    `/sources/${NAME}`,
    `/sources/${NAME}nobody`,
    '/runs',
    `/runs?source=${NAME}`,
    '/runs/1',
  ],
  ...[
    '/tables',
    `/tables?search=${NAME}`,
    '/tables/patient',
    `/tables/${NAME}`,
    '/snapshots',
    '/watermarks',
    '/charts',
  ],
  ...['/cohorts', `/cohorts/${NAME}`, `/login?next=${NAME}&failed=${NAME}`, '/progress', `/nowhere/${NAME}`],
]

test.each(PATHS)('%s shows words from elsewhere as words, and is no other page for them', async (path) => {
  const response = await app.request(path)
  const page = await response.text()
  expect(response.status).toBe(/nobody$|nowhere|\/tables\/%22/.test(path) ? 404 : 200)
  expect(page).not.toMatch(/<script>|<img|alert\(1\)<\/script>/)
  for (const { attributes } of tagsOf(page)) expect([...attributes.keys()].filter((key) => /^on/.test(key))).toEqual([])
})

test('the words are there all the same, to be read', async () => {
  for (const path of [
    '/',
    '/runs',
    '/runs/1',
    '/tables',
    '/tables/patient',
    '/watermarks',
    '/cohorts',
    `/cohorts/${NAME}`,
  ])
    expect(textOf(await (await app.request(path)).text())).toContain('<script>alert(1)</script>')
})

test('who is in a cohort is shown to nobody who has not signed in', async () => {
  const open = appOf({ ...worker.deps, cohorts: COHORTS }, false)
  let asked = 0
  const members: CohortDesk['members'] = async () => {
    asked += 1
    return []
  }
  const strict = appOf({ ...worker.deps, cohorts: { ...COHORTS, members } }, false)
  const page = textOf(await (await strict.request('/cohorts/any')).text())
  expect([asked, page.includes('Sign in')]).toEqual([0, true])
  expect(textOf(await (await open.request('/cohorts/any')).text())).not.toContain('in it since snapshot')
})

test('a stranger from another machine learns from the form no more than that a token is asked for', async () => {
  const page = textOf(await (await appOf(worker.deps, false, false).request('/login')).text())
  expect(page).not.toMatch(/0\.0\.0-test|memory|stoker\.yaml|Watermarks/)
})

test('an error that nobody foresaw says no word of what it was about', async () => {
  const ask = () => Promise.reject(new Error('Doe^Jane'))
  const response = await appOf({ ...worker.deps, ask }, false).request('/runs')
  expect([response.status, (await response.text()).includes('Doe')]).toEqual([500, false])
})

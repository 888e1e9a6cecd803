/** The pages: each address, and what it shows. Who may ask is the guard's to say, before they are reached. */
import { Hono } from 'hono'
import { html } from 'hono/html'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { StokerError } from '../../core/errors.ts'
import type { HttpDeps, HttpEnv, Pages } from '../deps.ts'
import { assetRoutes } from './assets.ts'
import { chartsPage, daysAskedFor } from './charts-page.ts'
import { cohortPage } from './cohort-page.ts'
import { cohortsPage } from './cohorts-page.ts'
import { errorPage, notFoundPage } from './error-page.ts'
import type { Html } from './html.ts'
import { loginPage } from './login-page.ts'
import { pageView, type PageContext } from './page-view.ts'
import { progressOf } from './progress.ts'
import { runPage } from './run-page.ts'
import { runsAskedFor, runsPage } from './runs-page.ts'
import { snapshotsPage } from './snapshots-page.ts'
import type { Asked } from './source-actions.ts'
import { sourcePage } from './source-page.ts'
import { sourcesPage } from './sources-page.ts'
import { tablePage } from './table-page.ts'
import { tablesPage } from './tables-page.ts'
import { watermarksPage } from './watermarks-page.ts'

/** What the worker's HTTP server asks for. */
export function pagesOf(deps: HttpDeps): Pages {
  return { routes: pageRoutes(deps), unknown: (c) => unknownPage(deps, c) }
}

export function pageRoutes(deps: HttpDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  const view = (c: PageContext) => pageView(deps, c)
  app.route('/', assetRoutes())
  app.get('/', async (c) => shown(c, await sourcesPage(view(c), c.req.query())))
  app.get('/progress', (c) => {
    const { now } = view(c)
    return shown(c, html`${deps.control.sources().map((state) => progressOf(state, now))}`)
  })
  app.get('/runs', async (c) => shown(c, await runsPage(view(c), runsAskedFor(c.req.query()))))
  app.get('/runs/:run{[0-9]{1,9}}', async (c) => {
    const run = Number(c.req.param('run'))
    const page = await runPage(view(c), run, c.req.query('files') === 'all')
    return page
      ? shown(c, page)
      : missing(c, `There is no run ${run}`, html`choose one of <a href="/runs">the runs</a>`)
  })
  app.get('/tables', async (c) => shown(c, await tablesPage(view(c), c.req.query('search') ?? '')))
  app.get('/tables/:name', async (c) => {
    const name = c.req.param('name')
    const page = await tablePage(view(c), name)
    return page
      ? shown(c, page)
      : missing(c, `There is no table ${name}`, html`choose one of <a href="/tables">the tables</a>`)
  })
  app.get('/snapshots', async (c) => shown(c, await snapshotsPage(view(c))))
  app.get('/watermarks', async (c) => shown(c, await watermarksPage(view(c))))
  app.get('/charts', async (c) => shown(c, await chartsPage(view(c), daysAskedFor(c.req.query('days')))))
  app.get('/login', (c) => shown(c, loginPage(view(c), c.req.query())))
  sourceRoutes(app, deps, missing)
  cohortRoutes(app, deps, missing)
  app.onError((error, c) => {
    if (!(error instanceof StokerError))
      deps.log.error({ path: c.req.path, error: error.name }, 'a page could not be shown')
    return shown(c, errorPage(view(c), error), statusOf(error))
  })
  return app

  function missing(c: PageContext, what: string, wayOut: Html): Promise<Response> {
    return shown(c, notFoundPage(view(c), what, wayOut), 404)
  }
}

/** For every address that nobody knows. */
export function unknownPage(deps: HttpDeps, c: PageContext): Promise<Response> {
  const view = pageView(deps, c)
  return shown(c, notFoundPage(view, `There is no page ${view.path}`, html`begin at <a href="/">the sources</a>`), 404)
}

type Missing = (c: PageContext, what: string, wayOut: Html) => Promise<Response>

function sourceRoutes(app: Hono<HttpEnv>, deps: HttpDeps, missing: Missing): void {
  app.get('/sources/:name', async (c) => {
    const name = c.req.param('name')
    const page = await sourcePage(pageView(deps, c), name, c.req.query('asked'))
    return page
      ? shown(c, page)
      : missing(c, `There is no source ${name}`, html`choose one of <a href="/">the sources</a>`)
  })
  app.post('/sources/:name/sync', async (c) => {
    const { full, back } = await c.req.parseBody()
    const name = c.req.param('name')
    return goBack(c, name, back, deps.control.trigger(name, { full: full === 'yes' }))
  })
  app.post('/sources/:name/cancel', async (c) => {
    const { back } = await c.req.parseBody()
    const name = c.req.param('name')
    const { run } = await deps.control.cancel(name)
    return goBack(c, name, back, run === undefined ? 'nothing' : 'cancelled')
  })
}

function cohortRoutes(app: Hono<HttpEnv>, deps: HttpDeps, missing: Missing): void {
  const { cohorts } = deps
  if (cohorts === undefined) return
  app.get('/cohorts', async (c) => shown(c, await cohortsPage(pageView(deps, c), cohorts)))
  app.get('/cohorts/:name', async (c) => {
    const name = c.req.param('name')
    const page = await cohortPage(pageView(deps, c), cohorts, name)
    return page
      ? shown(c, page)
      : missing(c, `There is no cohort ${name}`, html`choose one of <a href="/cohorts">the cohorts</a>`)
  })
}

/** Each is as of now, and may be about what only this user may see. */
async function shown(c: PageContext, page: Html, status: ContentfulStatusCode = 200): Promise<Response> {
  c.header('Cache-Control', 'no-store')
  return c.html(await page, status)
}

/** To the page whose form it was: a reload does not send it again. */
function goBack(c: PageContext, name: string, back: unknown, asked: Asked): Response {
  const source = encodeURIComponent(name)
  return c.redirect(back === '/' ? `/?asked=${asked}&source=${source}` : `/sources/${source}?asked=${asked}`, 303)
}

function statusOf(error: Error): ContentfulStatusCode {
  if (!(error instanceof StokerError)) return 500
  if (error.code.endsWith('_UNKNOWN')) return 404
  return error.retryable || error.code === 'WORKER_STOPPING' ? 503 : 409
}

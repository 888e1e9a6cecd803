/** What the ledger tells: runs, tables, snapshots, watermarks, and how all of it went over days. */
import { Hono } from 'hono'
import { runDetails, runLines, type Ask, type RunDetails } from '../ledger/run-details.ts'
import { snapshotLines } from '../ledger/snapshots.ts'
import type { HttpDeps, HttpEnv } from './deps.ts'
import { history } from './history.ts'
import { jsonAnswer } from './json-answer.ts'
import { withShownUrls } from './ledger-question.ts'
import { flagParameter, onlyParameters, wholeInPath, wholeParameter } from './parameters.ts'
import { Refused } from './refused.ts'
import { watermarkLines } from './source-lines.ts'
import { tableDetails, tableLines } from './tables.ts'

const RUN = { min: 0, max: 2 ** 31 - 1 }
const LIMIT = { min: 1, max: 1_000, or: 50 }
const FILES = { min: 0, max: 10_000, or: 1_000 }
const DAYS = { min: 1, max: 3_660, or: 30 }

export function ledgerRoutes(deps: HttpDeps): Hono<HttpEnv> {
  const { ask, clock } = deps
  const app = new Hono<HttpEnv>()
  app.get('/api/runs', async (c) => {
    onlyParameters(c, 'source', 'limit', 'failed', 'before')
    const source = c.req.query('source')
    const limit = wholeParameter(c, 'limit', LIMIT)
    const runs = await runLines(ask, {
      sources: source === undefined ? [] : [source],
      // One more: whether there is a next page.
      limit: limit + 1,
      failed: flagParameter(c, 'failed'),
      before: wholeParameter(c, 'before', RUN),
    })
    const shown = runs.slice(0, limit)
    return jsonAnswer(c, { runs: shown, next_before: runs.length > limit ? shown.at(-1)!.run : null })
  })
  app.get('/api/runs/:run', async (c) => {
    onlyParameters(c, 'files')
    return jsonAnswer(c, await shownRun(ask, wholeInPath(c, 'run'), wholeParameter(c, 'files', FILES)))
  })
  app.get('/api/tables', async (c) => {
    onlyParameters(c)
    return jsonAnswer(c, { tables: await tableLines(deps) })
  })
  app.get('/api/tables/:name', async (c) => {
    onlyParameters(c)
    const table = await tableDetails(deps, c.req.param('name'))
    if (table === undefined) throw notThere('there is no such table', '/api/tables lists them')
    return jsonAnswer(c, table)
  })
  app.get('/api/snapshots', async (c) => {
    onlyParameters(c, 'limit')
    return jsonAnswer(c, { snapshots: await snapshotLines(ask, wholeParameter(c, 'limit', LIMIT)) })
  })
  app.get('/api/watermarks', async (c) => {
    onlyParameters(c)
    return jsonAnswer(c, { watermarks: await watermarkLines(ask, clock.now()) })
  })
  app.get('/api/history', async (c) => {
    onlyParameters(c, 'days')
    return jsonAnswer(c, await history(ask, { days: wholeParameter(c, 'days', DAYS), now: clock.now() }))
  })
  return app
}

/** Files up to a limit. */
async function shownRun(
  ask: Ask,
  run: number,
  filesMax: number,
): Promise<RunDetails & { readonly files_total: number }> {
  const details = withShownUrls(await runDetails(ask, run))
  if (details === null) throw notThere(`there is no run ${run}`, '/api/runs lists them')
  return { ...details, files: details.files.slice(0, filesMax), files_total: details.files.length }
}

function notThere(message: string, hint: string): Refused {
  return new Refused(404, 'HTTP_NOT_FOUND', message, { hint })
}

/** The worker and its sources: how they stand, and what may be asked of them. */
import { basename } from 'node:path'
import { Hono } from 'hono'
import { nearestName } from '../core/nearest-name.ts'
import { runLines } from '../ledger/run-details.ts'
import type { HttpDeps, HttpEnv } from './deps.ts'
import type { EventStream } from './event-stream.ts'
import { jsonAnswer } from './json-answer.ts'
import { badRequest, onlyParameters } from './parameters.ts'
import { Refused } from './refused.ts'
import { bodyObject } from './request-body.ts'
import { sourceLines, watermarkLines, type SourceLine } from './source-lines.ts'

const RUNS_SHOWN = 10

export function workerRoutes(deps: HttpDeps, events: EventStream): Hono<HttpEnv> {
  const { control, ask, clock, config } = deps
  const app = new Hono<HttpEnv>()
  app.get('/api/worker', (c) => {
    onlyParameters(c)
    const { startedAt, heartbeat, lastReload = null } = control
    const { version, file } = config
    return jsonAnswer(c, {
      version,
      pid: process.pid,
      startedAt,
      heartbeat,
      lastReload,
      config: basename(file),
      stopping: events.isStopping,
    })
  })
  app.get('/api/sources', async (c) => {
    onlyParameters(c)
    return jsonAnswer(c, { sources: await sourceLines(deps) })
  })
  app.get('/api/sources/:name', async (c) => {
    onlyParameters(c)
    const source = known(c.req.param('name'), await sourceLines(deps))
    const watermarks = await watermarkLines(ask, clock.now(), source.name)
    return jsonAnswer(c, {
      ...source,
      watermarks,
      runs: await runLines(ask, { sources: [source.name], limit: RUNS_SHOWN }),
    })
  })
  app.post('/api/sources/:name/sync', async (c) => {
    onlyParameters(c)
    const { full = false } = await bodyObject(c, ['full'])
    if (typeof full !== 'boolean') throw badRequest('full is neither true nor false', 'send {"full": true}')
    const { name } = known(c.req.param('name'), control.sources())
    const after = events.lastId
    return jsonAnswer(c, { answer: control.trigger(name, { full }), afterEvent: after }, 202)
  })
  app.post('/api/sources/:name/cancel', async (c) => {
    onlyParameters(c)
    await bodyObject(c, [])
    const { name } = known(c.req.param('name'), control.sources())
    const { run = null } = await control.cancel(name)
    return jsonAnswer(c, { run })
  })
  app.post('/api/reload', async (c) => {
    onlyParameters(c)
    await bodyObject(c, [])
    return jsonAnswer(c, await control.reload())
  })
  return app
}

function known<S extends Pick<SourceLine, 'name'>>(name: string, sources: readonly S[]): S {
  const found = sources.find((source) => source.name === name)
  if (found !== undefined) return found
  const names = sources.map((source) => source.name)
  const nearest = nearestName(name, names)
  throw new Refused(404, 'SOURCE_UNKNOWN', 'the worker has no such source', {
    hint: `${nearest === undefined ? '' : `did you mean ${nearest}? `}It has: ${names.join(', ')}`,
  })
}

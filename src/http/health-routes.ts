/** Whether the worker lives, and whether it works: for whoever starts it again, and for whoever sends it requests. */
import { Hono, type Context } from 'hono'
import type { HttpDeps, HttpEnv } from './deps.ts'
import type { EventStream } from './event-stream.ts'
import { jsonAnswer } from './json-answer.ts'

/** Several of the worker's heartbeats. */
const HEARTBEAT_SECONDS_MAX = 60

/** Open without a token, as probes have none, they say no more than one word. */
export function healthRoutes({ control, ask, clock }: HttpDeps, events: EventStream): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  app.get('/healthz', (c) => {
    const ageMs = clock.now().getTime() - control.heartbeat.at.getTime()
    return verdict(c, ageMs <= HEARTBEAT_SECONDS_MAX * 1000 ? 'ok' : 'no heartbeat')
  })
  app.get('/readyz', async (c) => {
    if (events.isStopping) return verdict(c, 'stopping')
    const isOpen = await ask('SELECT 1 AS one').then(
      () => true,
      () => false,
    )
    return verdict(c, isOpen ? 'ok' : 'no database')
  })
  return app
}

function verdict(c: Context, status: 'ok' | 'no heartbeat' | 'stopping' | 'no database'): Response {
  return jsonAnswer(c, { status }, status === 'ok' ? 200 : 503)
}

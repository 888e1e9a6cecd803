/** GET /api/events: what happens in the worker, as it happens. */
import { Hono } from 'hono'
import type { HttpEnv } from './deps.ts'
import type { EventStream } from './event-stream.ts'
import { onlyParameters } from './parameters.ts'

export function eventRoutes(events: EventStream): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  app.get('/api/events', (c) => {
    onlyParameters(c)
    // Some servers in between gather an answer before they pass it on, unless this header asks them not to.
    const headers = { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' }
    if (c.req.method === 'HEAD') return c.body(null, 200, headers)
    return c.body(events.listen(c.req.header('last-event-id')), 200, headers)
  })
  return app
}

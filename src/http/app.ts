/** All routes of the worker, behind one guard: page, API, metrics, queries. */
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { isAbort } from '../core/errors.ts'
import { stoppingError } from '../core/stopping-error.ts'
import type { HttpDeps, HttpEnv, Pages } from './deps.ts'
import { cohortRoutes } from './cohort-routes.ts'
import { eventRoutes } from './event-routes.ts'
import type { EventStream } from './event-stream.ts'
import { guard, safeHeaders, type Door } from './guard.ts'
import { healthRoutes } from './health-routes.ts'
import { errorAnswer } from './json-answer.ts'
import { ledgerQuestionRoutes } from './ledger-question-routes.ts'
import { ledgerRoutes } from './ledger-routes.ts'
import { loginRoutes } from './login-routes.ts'
import type { Metrics } from './metrics.ts'
import { openApiText } from './openapi.ts'
import { queryRoutes } from './query-route.ts'
import { answerOf, Refused } from './refused.ts'
import { SMALL_BODY_BYTES, tooLarge } from './request-body.ts'
import { workerRoutes } from './worker-routes.ts'

export interface AppParts {
  readonly door: Door
  readonly events: EventStream
  readonly metrics: Metrics
  /** Behind the API: what it does not know. */
  readonly pages: Pages
  /** Aborts when the worker stops. */
  readonly stopping: AbortSignal
}

export function httpApp(deps: HttpDeps, { door, events, metrics, pages, stopping }: AppParts): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  app.use(safeHeaders)
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) =>
        errorAnswer(
          c,
          answerOf(new Refused(405, 'HTTP_METHOD', 'this address is asked in another way', wayOut(methods))),
        ),
    }),
  )
  app.use(guard(door))
  app.get('/metrics', async (c) => c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType }))
  app.get('/openapi.json', (c) => c.body(openApiText(deps.config.version), 200, { 'Content-Type': 'application/json' }))
  const routes = [
    healthRoutes(deps, events),
    loginRoutes(door),
    workerRoutes(deps, events),
    ledgerRoutes(deps),
    ledgerQuestionRoutes(deps),
    eventRoutes(events),
    cohortRoutes(deps),
    queryRoutes(deps, stopping),
  ]
  for (const each of routes) app.route('/', each)
  app.all('/api/*', (c) => errorAnswer(c, answerOf(unknownAddress())))
  app.use(
    bodyLimit({ maxSize: SMALL_BODY_BYTES, onError: (c) => errorAnswer(c, answerOf(tooLarge(SMALL_BODY_BYTES))) }),
  )
  app.route('/', pages.routes)
  app.notFound((c) => {
    const wantsPage = (c.req.header('accept') ?? '').includes('text/html')
    return wantsPage ? pages.unknown(c) : errorAnswer(c, answerOf(unknownAddress()))
  })
  app.onError((error, c) => {
    if (stopping.aborted && isAbort(error)) return errorAnswer(c, answerOf(stoppingError()))
    const answer = answerOf(error, c.var.signedIn)
    if (answer.status >= 500 && !isAbort(error)) {
      // The name alone: a message may quote data, and an address may have somebody's id in it.
      const { code } = answer.body.error
      deps.log.error({ status: answer.status, code, error: error.name, method: c.req.method }, 'a request failed')
    }
    return errorAnswer(c, answer)
  })
  return app
}

function wayOut(methods: readonly string[]) {
  const allowed = methods.join(', ')
  return { hint: `it knows ${allowed}`, headers: { Allow: allowed } }
}

function unknownAddress(): Refused {
  return new Refused(404, 'HTTP_NOT_FOUND', 'there is nothing at this address', { hint: '/openapi.json lists the API' })
}

/** Which step answers which request. Hono finds the step; the step has the raw request and response in its hands. */
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono, type Context } from 'hono'
import {
  behaviourStep,
  changeStep,
  deleteResourceStep,
  publishNowStep,
  putResourceStep,
  statsStep,
} from './control-steps.ts'
import { groupStep } from './group-step.ts'
import { metadataStep, smartConfigurationStep } from './discovery-steps.ts'
import { Exchange } from './exchange.ts'
import { fileStep, storageFileStep } from './download/file-step.ts'
import { releaseStep } from './job/release-step.ts'
import { statusStep } from './job/status-step.ts'
import { groupExportStep, patientExportStep, systemExportStep } from './kick-off/kick-off-step.ts'
import { publishedFileStep, publishPageStep, publishStep } from './publish/publish-steps.ts'
import { Refusal } from './refusal.ts'
import type { DemoState, Step } from './steps.ts'
import { tokenStep } from './token/token-step.ts'

type Routes = readonly (readonly [methods: string[], path: string, step: Step])[]

const ROUTES: Routes = [
  [['GET'], '/fhir/metadata', metadataStep],
  [['GET'], '/fhir/.well-known/smart-configuration', smartConfigurationStep],
  [['GET', 'POST'], '/fhir/$export', systemExportStep],
  [['GET', 'POST'], '/fhir/Patient/$export', patientExportStep],
  [['GET', 'POST'], '/fhir/Group/:id/$export', groupExportStep],
  [['GET'], '/fhir/Group/:id', groupStep],
  [['GET'], '/fhir/export-jobs/:job', statusStep],
  [['DELETE'], '/fhir/export-jobs/:job', releaseStep],
  [['GET'], '/fhir/export-files/:job/:name', fileStep],
  [['GET'], '/fhir/$bulk-publish', publishStep],
  [['GET'], '/fhir/published/:edition/pages/:page', publishPageStep],
  [['GET'], '/fhir/published/:edition/files/:name', publishedFileStep],
  [['POST'], '/auth/token', tokenStep],
  [['POST'], '/control/change', changeStep],
  [['PUT'], '/control/resource', putResourceStep],
  [['DELETE'], '/control/resource/:type/:id', deleteResourceStep],
  [['POST'], '/control/publish', publishNowStep],
  [['GET'], '/control/stats', statsStep],
  [['PUT'], '/control/behaviour', behaviourStep],
]

/** On an origin of its own. */
const STORAGE_ROUTES: Routes = [[['GET'], '/export-files/:job/:name', storageFileStep]]

type DemoContext = Context<{ Bindings: HttpBindings }>

/** The server itself; whatever a step throws becomes an OperationOutcome. */
export function demoApplication(state: DemoState): Hono<{ Bindings: HttpBindings }> {
  return application(state, new URL(state.baseUrl).origin, ROUTES)
}

/** The storage beside it, where files may lie. */
export function storageApplication(state: DemoState): Hono<{ Bindings: HttpBindings }> {
  return application(state, state.storageUrl, STORAGE_ROUTES)
}

function application(state: DemoState, origin: string, routes: Routes): Hono<{ Bindings: HttpBindings }> {
  const application = new Hono<{ Bindings: HttpBindings }>()
  for (const [methods, path, step] of routes) {
    application.on(methods, path, (context) => answer(state, origin, context, step))
  }
  // After all steps: an address may have one step per method.
  for (const [, path] of routes) {
    application.all(path, (context) => answer(state, origin, context, wrongMethod(routes, path)))
  }
  application.notFound((context) => answer(state, origin, context, unknownAddress))
  return application
}

async function answer(state: DemoState, origin: string, { env, req }: DemoContext, step: Step): Promise<Response> {
  const exchange = new Exchange(env.incoming, env.outgoing, origin, state.clock)
  try {
    if (exchange.url.pathname.startsWith('/fhir/')) state.calls.spend(state.behaviour.callsPerMinute)
    await step(state, exchange, req.param())
  } catch (error) {
    if (env.outgoing.headersSent) env.outgoing.destroy()
    else if (error instanceof Refusal) exchange.refuse(error, state.behaviour.outcomeType)
    else exchange.refuse(new Refusal(500, 'exception', 'The demo server failed to answer.'))
    if (!(error instanceof Refusal)) {
      const { name, code } = error as { name?: string; code?: string }
      state.log.error({ method: req.method, path: exchange.url.pathname, name, code }, 'request failed')
    }
  }
  return RESPONSE_ALREADY_SENT
}

const unknownAddress: Step = () => {
  throw new Refusal(404, 'not-found', 'There is nothing at this address.')
}

function wrongMethod(routes: Routes, path: string): Step {
  const allowed = routes
    .filter((route) => route[1] === path)
    .flatMap(([methods]) => methods)
    .join(', ')
  return () => {
    throw new Refusal(405, 'not-supported', `This address takes ${allowed}.`, { Allow: allowed })
  }
}

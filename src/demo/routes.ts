/** Which step answers which request. Hono finds the step; the step has the raw request and response in its hands. */
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { Hono, type Context } from 'hono'
import { behaviourStep, changeStep, deleteResourceStep, putResourceStep, statsStep } from './control-steps.ts'
import { metadataStep, smartConfigurationStep } from './discovery-steps.ts'
import { Exchange } from './exchange.ts'
import { fileStep } from './file-step.ts'
import { cancelStep, statusStep } from './job-steps.ts'
import { groupExportStep, patientExportStep, systemExportStep } from './kick-off-step.ts'
import { Refusal } from './refusal.ts'
import type { DemoState, Step } from './steps.ts'
import { tokenStep } from './token-step.ts'

const ROUTES: readonly (readonly [methods: string[], path: string, step: Step])[] = [
  [['GET'], '/fhir/metadata', metadataStep],
  [['GET'], '/fhir/.well-known/smart-configuration', smartConfigurationStep],
  [['GET', 'POST'], '/fhir/$export', systemExportStep],
  [['GET', 'POST'], '/fhir/Patient/$export', patientExportStep],
  [['GET', 'POST'], '/fhir/Group/:id/$export', groupExportStep],
  [['GET'], '/fhir/export-jobs/:job', statusStep],
  [['DELETE'], '/fhir/export-jobs/:job', cancelStep],
  [['GET'], '/fhir/export-files/:job/:name', fileStep],
  [['POST'], '/auth/token', tokenStep],
  [['POST'], '/control/change', changeStep],
  [['PUT'], '/control/resource', putResourceStep],
  [['DELETE'], '/control/resource/:type/:id', deleteResourceStep],
  [['GET'], '/control/stats', statsStep],
  [['PUT'], '/control/behaviour', behaviourStep],
]

type DemoContext = Context<{ Bindings: HttpBindings }>

/** An application whose steps work on `state`; whatever a step throws becomes an OperationOutcome. */
export function demoApplication(state: DemoState): Hono<{ Bindings: HttpBindings }> {
  const application = new Hono<{ Bindings: HttpBindings }>()
  for (const [methods, path, step] of ROUTES) {
    application.on(methods, path, (context) => answer(state, context, step))
  }
  // After all steps: an address may have one step per method.
  for (const [, path] of ROUTES) {
    application.all(path, (context) => answer(state, context, wrongMethod(path)))
  }
  application.notFound((context) => answer(state, context, unknownAddress))
  return application
}

async function answer(state: DemoState, { env, req }: DemoContext, step: Step): Promise<Response> {
  const exchange = new Exchange(env.incoming, env.outgoing, new URL(state.baseUrl).origin, state.clock)
  try {
    await step(state, exchange, req.param())
  } catch (error) {
    if (env.outgoing.headersSent) env.outgoing.destroy()
    else if (error instanceof Refusal) exchange.refuse(error)
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

function wrongMethod(path: string): Step {
  const allowed = ROUTES.filter((route) => route[1] === path)
    .flatMap(([methods]) => methods)
    .join(', ')
  return () => {
    throw new Refusal(405, 'not-supported', `This address takes ${allowed}.`, { Allow: allowed })
  }
}

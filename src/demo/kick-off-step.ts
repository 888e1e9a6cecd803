/** Kick-off at system, Patient and Group level: the whole export is fixed here, at one instant of the store. */
import type { ReadableTypes } from './access-tokens.ts'
import type { ExportScope } from './compartment.ts'
import type { Exchange } from './exchange.ts'
import { planFiles } from './export-job.ts'
import { readParameters } from './export-parameters.ts'
import { operationOutcome, Refusal } from './refusal.ts'
import type { DemoState, Step } from './steps.ts'

/** The id of a Group that is always there and holds every patient, those deleted included. */
export const EVERYONE = 'all'

export const systemExportStep: Step = (state, exchange) => kickOff(state, exchange, () => ({ level: 'system' }))
export const patientExportStep: Step = (state, exchange) => kickOff(state, exchange, () => ({ level: 'patient' }))
export const groupExportStep: Step = (state, exchange, { id = '' }) =>
  kickOff(state, exchange, () => groupScope(state, id))

async function kickOff(state: DemoState, exchange: Exchange, scopeNow: () => ExportScope): Promise<void> {
  const { store, jobs, behaviour, requests } = state
  requests.kickOffs += 1
  requests.kickOffLines.push(`${exchange.request.method} ${exchange.url.pathname}${exchange.url.search}`)
  const readable = state.tokens?.require(exchange) ?? 'all'
  const preferences = exchange
    .header('prefer')
    .split(/[,;]/)
    .map((word) => word.trim().toLowerCase())
  if (!preferences.includes('respond-async')) {
    throw new Refusal(400, 'required', 'An export needs the header Prefer: respond-async.')
  }
  if (!exchange.header('accept').includes('application/fhir+json')) {
    throw new Refusal(400, 'not-supported', 'An export needs the header Accept: application/fhir+json.')
  }
  const parameters = await readParameters(exchange, state.knowsType, preferences.includes('handling=lenient'))
  const types = permitted(parameters.types, readable)

  // From here to the job's start nothing may wait: members and contents belong to one instant.
  const cut = store.cut({ scope: scopeNow(), types, sinceMs: parameters.sinceMs })
  const job = jobs.start(exchange.url.href, cut.instant, planFiles(cut, types, behaviour))
  state.log.info({ job: job.id, files: job.files.length }, 'export started')
  exchange.replyFhir(202, operationOutcome('information', 'informational', 'The export has begun.'), {
    'Content-Location': `${state.baseUrl}/export-jobs/${job.id}`,
  })
}

function groupScope({ store }: DemoState, id: string): ExportScope {
  const group = store.find('Group', id)
  if (group) return { level: 'group', members: new Set(group.patients) }
  if (id === EVERYONE) return { level: 'patient' }
  throw new Refusal(404, 'not-found', `There is no Group/${id}.`)
}

function permitted(asked: ReadonlySet<string> | undefined, readable: ReadableTypes): ReadonlySet<string> | undefined {
  if (readable === 'all') return asked
  const refused = [...(asked ?? [])].filter((type) => !readable.has(type))
  if (refused.length > 0) throw new Refusal(403, 'forbidden', `The token's scope leaves out ${refused.join(', ')}.`)
  return asked ?? readable
}

/** Kick-off at system, Patient and Group level. */
import type { Exchange } from '../exchange.ts'
import { beginExport } from '../job/begin-export.ts'
import type { ExportJob } from '../job/export-job.ts'
import { operationOutcome } from '../refusal.ts'
import type { DemoState, Step } from '../steps.ts'
import { authorizeExport } from '../token/authorization.ts'
import { askedParameters } from './asked-parameters.ts'
import { exportOrder, type ExportOrder } from './export-order.ts'
import type { ExportAddress } from './export-scope.ts'
import { requireHeaders, requireOffered } from './offer.ts'
import { readPreferences } from './preferences.ts'

export const systemExportStep: Step = (state, exchange) => kickOff(state, exchange, { level: 'system' })
export const patientExportStep: Step = (state, exchange) => kickOff(state, exchange, { level: 'patient' })
export const groupExportStep: Step = (state, exchange, { id = '' }) =>
  kickOff(state, exchange, { level: 'group', group: id })

async function kickOff(state: DemoState, exchange: Exchange, address: ExportAddress): Promise<void> {
  const { behaviour, requests } = state
  requests.kickOffs += 1
  requests.kickOffLines.push(`${exchange.request.method} ${exchange.url.pathname}${exchange.url.search}`)
  const readable = authorizeExport(state, exchange)
  requireOffered(exchange, address, behaviour)
  const preferences = readPreferences(exchange)
  requireHeaders(exchange, preferences, behaviour)
  const parameters = await askedParameters(exchange, behaviour)

  // From here to the job's cut nothing may wait: members and contents belong to one instant.
  const order = exportOrder(state, exchange, { address, parameters, preferences }, readable)
  const job = sameJob(state, exchange, order) ?? (await beginExport(state, order))
  exchange.replyFhir(202, operationOutcome('information', 'informational', 'The export has begun.'), {
    ...statusAddress(state, job),
    ...(order.separateStatus && { 'Preference-Applied': 'respond-async, separate-export-status' }),
  })
}

function sameJob({ behaviour, jobs }: DemoState, exchange: Exchange, order: ExportOrder): ExportJob | undefined {
  const fresh = /\bno-cache\b/i.test(exchange.header('cache-control'))
  return behaviour.reuseJobs && !fresh ? jobs.alike(order.likeness) : undefined
}

function statusAddress({ behaviour, baseUrl }: DemoState, job: ExportJob): Readonly<Record<string, string>> {
  const url = `${baseUrl}/export-jobs/${job.id}`
  if (behaviour.statusUrl === 'absent') return {}
  return { 'Content-Location': behaviour.statusUrl === 'relative' ? new URL(url).pathname : url }
}

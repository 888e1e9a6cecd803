/** The status URL of an export: polled until the manifest comes. */
import { STATUS_CODES } from 'node:http'
import type { StatusBehaviour } from '../behaviour/status-behaviour.ts'
import type { Exchange } from '../exchange.ts'
import { operationOutcome, Refusal } from '../refusal.ts'
import { retryAfterHeaders } from '../retry-after.ts'
import type { DemoState, Step } from '../steps.ts'
import { authorize } from '../token/authorization.ts'
import { readNext } from './begin-export.ts'
import type { ExportJob } from './export-job.ts'
import { manifest } from './manifest.ts'
import { givesPages, partialPage } from './partial-manifests.ts'

export const statusStep: Step = async (state, exchange, { job: id = '' }) => {
  const { behaviour, requests } = state
  requests.polls += 1
  authorize(state, exchange)
  const job = state.jobs.get(id)
  stumble(job, behaviour)
  await readNext(state, job)
  const number = Number(exchange.url.searchParams.get('page') ?? 1)
  const page = partialPage(job, number, `${state.baseUrl}/export-jobs/${job.id}`, behaviour)
  if (isWorking(job, behaviour)) {
    job.pollsAnswered += 1
    const partial = givesPages(job, behaviour) && page.isReady ? manifest(state, job, page) : undefined
    return replyStatus(exchange, job, 202, partial ?? chatter(job, behaviour), waitHeaders(state, job))
  }
  if (behaviour.exportFailure) return replyFailure(exchange, job, behaviour.exportFailure, behaviour.outcomeType)
  finish(state, job)
  const whole = manifest(state, job, page)
  replyStatus(exchange, job, 200, whole, { Expires: expiry(state, job) })
}

/** Of the job, or of the file URLs just given out if they end earlier. */
function expiry({ behaviour, clock }: DemoState, { expiresAt, signedMs }: ExportJob): string {
  const { urlLifeSeconds, urlSigning } = behaviour
  const signedAtMs = urlSigning === 'each-poll' ? clock.now().getTime() : (signedMs ?? 0)
  const urlsEndMs = urlLifeSeconds === 0 ? Infinity : signedAtMs + urlLifeSeconds * 1000
  return new Date(Math.min(expiresAt.getTime(), urlsEndMs)).toUTCString()
}

/** A poll that fails though the export does not. */
function stumble(job: ExportJob, { transientPolls }: StatusBehaviour): void {
  if (job.transientAnswers >= transientPolls) return
  job.transientAnswers += 1
  throw new Refusal(500, 'transient', 'The status is not known just now; ask again.')
}

function isWorking(job: ExportJob, { neverDone, pollsBeforeDone }: StatusBehaviour): boolean {
  return neverDone || job.order.isEndless || job.unread.length > 0 || job.pollsAnswered < pollsBeforeDone
}

function chatter({ pollsAnswered }: ExportJob, { chattyPolls }: StatusBehaviour): object | undefined {
  const isTold = chattyPolls && pollsAnswered % 2 === 1
  return isTold ? operationOutcome('information', 'informational', 'The export is being made.') : undefined
}

function waitHeaders({ behaviour, clock }: DemoState, job: ExportJob): Readonly<Record<string, string>> {
  const { pollsAnswered, unread } = job
  const polls = Math.max(behaviour.pollsBeforeDone, pollsAnswered + unread.length)
  const percent = Math.floor((pollsAnswered * 100) / (polls + 1))
  return { ...retryAfterHeaders(behaviour, clock), ...(behaviour.progress && { 'X-Progress': `${percent}% done` }) }
}

function finish({ behaviour, jobs, store }: DemoState, job: ExportJob): void {
  const isFirst = jobs.finish(job)
  // Pages that were given out while the job worked have told another time already.
  if (!isFirst || behaviour.transactionTime === 'start' || givesPages(job, behaviour)) return
  job.transactionTime = store.nextInstant().toISOString()
}

/** The status of the export, in the answer's own status or, if the client wanted them apart, in a header. */
function replyStatus(
  exchange: Exchange,
  job: ExportJob,
  status: number,
  body: object | undefined,
  headers: Readonly<Record<string, string>> = {},
): void {
  const { httpStatus, statusHeader } = separated(job, status)
  if (body === undefined) exchange.replyEmpty(httpStatus, { ...headers, ...statusHeader })
  else exchange.reply(httpStatus, body, { ...headers, ...statusHeader })
}

function replyFailure(
  exchange: Exchange,
  job: ExportJob,
  { status, form }: NonNullable<StatusBehaviour['exportFailure']>,
  outcomeType: string,
): void {
  const { httpStatus, statusHeader } = separated(job, status)
  const message = 'The export has failed, as the demo server was told.'
  if (form === 'html') exchange.replyHtml(httpStatus, message, statusHeader)
  else {
    const headers = { ...statusHeader, 'Content-Type': outcomeType }
    exchange.replyFhir(httpStatus, operationOutcome('error', 'exception', message), headers)
  }
}

function separated({ order }: ExportJob, status: number) {
  if (!order.separateStatus) return { httpStatus: status, statusHeader: {} }
  return { httpStatus: 200, statusHeader: { 'X-Export-Status': `${status} ${STATUS_CODES[status] ?? ''}`.trim() } }
}

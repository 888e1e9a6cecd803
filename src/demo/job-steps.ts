/** The status URL of an export: polled until the manifest comes, deleted when the client has what it wants. */
import type { ExportJob } from './export-job.ts'
import { operationOutcome } from './refusal.ts'
import type { DemoState, Step } from './steps.ts'

export const statusStep: Step = (state, exchange, { job: id = '' }) => {
  const { behaviour, requests } = state
  requests.polls += 1
  state.tokens?.require(exchange)
  const job = state.jobs.get(id)
  if (job.pollsAnswered < behaviour.pollsBeforeDone) {
    job.pollsAnswered += 1
    const percent = Math.floor((job.pollsAnswered * 100) / (behaviour.pollsBeforeDone + 1))
    exchange.replyEmpty(202, { 'Retry-After': String(behaviour.retryAfterSeconds), 'X-Progress': `${percent}% done` })
    return
  }
  exchange.reply(200, manifest(state, job), { Expires: job.expiresAt.toUTCString() })
}

export const cancelStep: Step = ({ jobs, tokens, requests }, exchange, { job: id = '' }) => {
  requests.cancels += 1
  tokens?.require(exchange)
  jobs.cancel(id)
  exchange.replyFhir(202, operationOutcome('information', 'informational', 'The export and its files are gone.'))
}

function manifest({ baseUrl, tokens }: DemoState, job: ExportJob): object {
  const entries = (kind: 'output' | 'deleted') =>
    job.files
      .filter((file) => file.kind === kind)
      .map(({ type, name, count }) => ({ type, url: `${baseUrl}/export-files/${job.id}/${name}`, count }))
  return {
    transactionTime: job.transactionTime,
    request: job.request,
    requiresAccessToken: tokens !== undefined,
    output: entries('output'),
    deleted: entries('deleted'),
    error: [],
  }
}

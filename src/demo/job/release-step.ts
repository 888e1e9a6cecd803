/** The DELETE of a status URL: the client has what it wants, or does not want it any more. */
import { operationOutcome, Refusal } from '../refusal.ts'
import type { Step } from '../steps.ts'
import { authorize } from '../token/authorization.ts'

export const releaseStep: Step = (state, exchange, { job: id = '' }) => {
  const { jobs, requests, behaviour } = state
  requests.cancels += 1
  authorize(state, exchange)
  const { isDone } = jobs.get(id)
  const status = isDone ? behaviour.releaseStatus : 202
  if (status >= 400) throw new Refusal(status, 'not-found', 'What is done cannot be cancelled.')
  jobs.cancel(id)
  exchange.replyFhir(status, operationOutcome('information', 'informational', 'The export and its files are gone.'))
}

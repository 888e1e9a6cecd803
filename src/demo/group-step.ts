/** A Group that a client reads to learn whether it is there: the one read the demo server has, beside exports. */
import { EVERYONE } from './kick-off/export-scope.ts'
import { Refusal } from './refusal.ts'
import type { Step } from './steps.ts'
import { authorize } from './token/authorization.ts'

/** Throws a Refusal (404) for a Group that nobody stored, save that of every patient. */
export const groupStep: Step = async (state, exchange, { id = '' }) => {
  authorize(state, exchange)
  const { store } = state
  const everyone = { resourceType: 'Group', id, type: 'person', actual: true, quantity: store.counts().Patient ?? 0 }
  const group = (await store.get('Group', id)) ?? (id === EVERYONE ? everyone : undefined)
  if (group === undefined) throw new Refusal(404, 'not-found', `There is no Group/${id}.`)
  exchange.replyFhir(200, group)
}

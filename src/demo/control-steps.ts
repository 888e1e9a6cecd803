/** The control endpoint: whoever sits at this machine may change the data and the behaviour while the server runs. */
import type { IncomingMessage } from 'node:http'
import { StokerError } from '../core/errors.ts'
import { parseBehaviour } from './behaviour.ts'
import { behaviourLike } from './demo-servers.ts'
import { changeStore } from './change.ts'
import { Refusal } from './refusal.ts'
import { isResource } from './resource.ts'
import type { Step } from './steps.ts'

/**
 * `POST /control/change?percent=1[&seed=7][&ids=true]`: answers `{created, updated, deleted}`, counts, or with `ids` lists
 * of `Type/id`.
 */
export const changeStep = forThisMachine(async ({ store }, exchange) => {
  const number = (name: string, otherwise: number) => {
    const value = Number(exchange.url.searchParams.get(name) ?? otherwise)
    if (!Number.isFinite(value)) throw new Refusal(400, 'value', `${name} must be a number.`)
    return value
  }
  const changed = await changeStore(store, { percent: number('percent', 1), seed: number('seed', 1) })
  const { created, updated, deleted } = changed
  const counts = { created: created.length, updated: updated.length, deleted: deleted.length }
  exchange.reply(200, exchange.url.searchParams.get('ids') === 'true' ? changed : counts)
})

/** `PUT /control/resource`: stores the resource in the body, new or not, and answers it as stored. */
export const putResourceStep = forThisMachine(async ({ store }, exchange) => {
  const resource = await exchange.json()
  if (!isResource(resource)) throw new Refusal(400, 'structure', 'The body must be a FHIR resource.')
  exchange.replyFhir(200, resource.id === undefined ? store.create(resource) : store.update(resource))
})

/** `DELETE /control/resource/Type/id`: deletes exactly this resource. */
export const deleteResourceStep = forThisMachine(({ store }, exchange, { type = '', id = '' }) => {
  if (!store.find(type, id)) throw new Refusal(404, 'not-found', `There is no ${type}/${id}.`)
  store.remove(type, id)
  exchange.replyEmpty(204)
})

/** `GET /control/stats`: resources per type, requests per step, the behaviour. */
export const statsStep = forThisMachine(({ store, requests, behaviour }, exchange) => {
  exchange.reply(200, { resources: store.counts(), requests, behaviour })
})

/** `POST /control/publish`: publishes the store as it is now, answers `{transactionTime}`. */
export const publishNowStep = forThisMachine(({ store, editions, behaviour }, exchange) => {
  const { transactionTime } = editions.publish(store, behaviour)
  exchange.reply(200, { transactionTime })
})

/**
 * `PUT /control/behaviour`: sets the keys in the body, leaves the others, answers the whole. With `like`, the name of a
 * server, the others are first as that server has them.
 */
export const behaviourStep = forThisMachine(async (state, exchange) => {
  const { like, ...keys } = behaviourObject(await exchange.json())
  const others = like === undefined ? state.behaviour : behaviourLike(like)
  state.behaviour = { ...others, ...parseBehaviour(keys) }
  exchange.reply(200, state.behaviour)
})

function behaviourObject(json: unknown): Readonly<Record<string, unknown>> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return { ...json }
  throw new Refusal(400, 'structure', 'The body must be a JSON object.')
}

function forThisMachine(step: Step): Step {
  return async (state, exchange, names) => {
    if (!isLocal(exchange.request)) throw new Refusal(403, 'forbidden', 'Control is for this machine only.')
    try {
      await step(state, exchange, names)
    } catch (error) {
      if (error instanceof StokerError) throw new Refusal(400, 'invalid', error.message)
      throw error
    }
  }
}

function isLocal(request: IncomingMessage): boolean {
  return /^(?:::ffff:)?127\.|^::1$/.test(request.socket.remoteAddress ?? '')
}

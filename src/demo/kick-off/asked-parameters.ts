/** What a kick-off asks, as name and value, from its query and its `Parameters` body: all that the server heeds. */
import type { KickOffBehaviour } from '../behaviour/kick-off-behaviour.ts'
import type { Exchange } from '../exchange.ts'
import { Refusal } from '../refusal.ts'

export interface AskedParameter {
  readonly name: string
  readonly value: string
  readonly place: 'query' | 'body'
}

/** @throws Refusal (400) for a body that is not empty and no `Parameters` resource, unless nobody reads it. */
export async function askedParameters(
  exchange: Exchange,
  { parametersFrom, ignoredParameters }: KickOffBehaviour,
): Promise<AskedParameter[]> {
  const fromQuery = parametersFrom === 'body' ? [] : queryParameters(exchange)
  const fromBody = parametersFrom === 'query' ? [] : await bodyParameters(exchange)
  return [...fromQuery, ...fromBody].filter(({ name }) => !ignoredParameters.includes(name))
}

function queryParameters({ url }: Exchange): AskedParameter[] {
  return [...url.searchParams].map(([name, value]) => ({ name, value, place: 'query' }))
}

async function bodyParameters(exchange: Exchange): Promise<AskedParameter[]> {
  if (exchange.request.method !== 'POST' || exchange.header('content-length') === '0') return []
  const body = (await exchange.json()) as { resourceType?: unknown; parameter?: unknown } | null
  if (body?.resourceType !== 'Parameters') {
    throw new Refusal(400, 'structure', 'The body must be a Parameters resource.')
  }
  return (Array.isArray(body.parameter) ? body.parameter : []).map((entry: unknown): AskedParameter => {
    const parameter = (entry ?? {}) as Record<string, unknown>
    const name = parameter['name']
    if (typeof name !== 'string') throw new Refusal(400, 'structure', 'A parameter has no name.')
    const value = Object.entries(parameter).find(([key]) => key.startsWith('value'))?.[1]
    return { name, value: valueText(value), place: 'body' }
  })
}

/** A text as it is, a Reference's `reference`, a Coding's `code`, anything else as JSON. */
function valueText(value: unknown): string {
  if (typeof value === 'string') return value
  const { reference, code } = (value ?? {}) as { reference?: unknown; code?: unknown }
  if (typeof reference === 'string') return reference
  if (typeof code === 'string') return code
  return JSON.stringify(value ?? null)
}

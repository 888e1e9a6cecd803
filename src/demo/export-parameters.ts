/**
 * Reads the parameters of a kick-off, from the query or from a `Parameters` body
 * (hl7.org/fhir/uv/bulkdata/export.html#query-parameters).
 */
import type { Exchange } from './exchange.ts'
import { Refusal } from './refusal.ts'

export interface ExportParameters {
  /** Undefined when the client did not choose. */
  readonly types: ReadonlySet<string> | undefined
  readonly sinceMs: number | undefined
}

const FORMATS: ReadonlySet<string> = new Set(['application/fhir+ndjson', 'application/ndjson', 'ndjson'])
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** @throws Refusal (400) for a value it cannot use, and for a parameter it does not know unless `lenient`. */
export async function readParameters(
  exchange: Exchange,
  knowsType: (type: string) => boolean,
  lenient: boolean,
): Promise<ExportParameters> {
  const types = new Set<string>()
  let sinceMs: number | undefined
  for (const [name, value] of await pairs(exchange)) {
    if (name === '_type') {
      for (const type of value
        .split(',')
        .map((word) => word.trim())
        .filter((word) => word !== ''))
        types.add(type)
    } else if (name === '_since') {
      sinceMs = parseInstant(value)
    } else if (name === '_outputFormat') {
      // An unescaped plus sign in a query arrives as a space.
      if (!FORMATS.has(value.replace(' ', '+'))) throw new Refusal(400, 'value', 'Only _outputFormat=ndjson is there.')
    } else if (!lenient) {
      throw new Refusal(
        400,
        'not-supported',
        `The parameter ${name} is not supported; Prefer: handling=lenient ignores it.`,
      )
    }
  }
  const unknown = [...types].filter((type) => !knowsType(type))
  if (unknown.length > 0 && !lenient) {
    throw new Refusal(400, 'not-found', `_type names what is no resource type: ${unknown.join(', ')}.`)
  }
  return { types: types.size > 0 ? types : undefined, sinceMs }
}

async function pairs(exchange: Exchange): Promise<[string, string][]> {
  const fromQuery = [...exchange.url.searchParams]
  if (exchange.request.method !== 'POST') return fromQuery
  const body = (await exchange.json()) as { resourceType?: unknown; parameter?: unknown } | null
  if (body?.resourceType !== 'Parameters')
    throw new Refusal(400, 'structure', 'The body must be a Parameters resource.')
  const fromBody = (Array.isArray(body.parameter) ? body.parameter : []).map((entry: unknown): [string, string] => {
    const parameter = entry as Record<string, unknown> | null
    const name = parameter?.['name']
    const value = Object.entries(parameter ?? {}).find(([key]) => key.startsWith('value'))?.[1]
    if (typeof name !== 'string') throw new Refusal(400, 'structure', 'A parameter has no name.')
    return [name, typeof value === 'string' ? value : JSON.stringify(value ?? null)]
  })
  return [...fromQuery, ...fromBody]
}

function parseInstant(text: string): number {
  const instant = text.replace(' ', '+')
  const ms = INSTANT.test(instant) ? Date.parse(instant) : Number.NaN
  if (Number.isNaN(ms)) throw new Refusal(400, 'value', '_since must be an instant like 2026-01-31T12:00:00Z.')
  return ms
}

/** Parameters of a request, checked: what nobody knows is refused, so that a slip of the hand is not passed over. */
import type { Context } from 'hono'
import { nearestName } from '../core/nearest-name.ts'
import { Refused } from './refused.ts'

/** @throws Refused for a parameter of the query that is none of these, or is there twice */
export function onlyParameters(c: Context, ...known: readonly string[]): void {
  for (const [name, values] of Object.entries(c.req.queries())) {
    if (!known.includes(name)) {
      const nearest = nearestName(name, known)
      const all = known.length === 0 ? 'there is none here' : `there is: ${known.join(', ')}`
      throw badRequest('there is no such parameter', nearest === undefined ? all : `did you mean ${nearest}?`)
    }
    if (values.length > 1) throw badRequest(`${name} is there more than once`, 'give it once')
  }
}

interface Bounds {
  readonly min: number
  readonly max: number
}

export function wholeParameter(c: Context, name: string, bounds: Bounds & { readonly or: number }): number
export function wholeParameter(c: Context, name: string, bounds: Bounds): number | undefined
export function wholeParameter(c: Context, name: string, { or, ...bounds }: Bounds & { or?: number }) {
  const text = c.req.query(name)
  return text === undefined ? or : wholeText(text, name, bounds)
}

/** A number in the path. */
export function wholeInPath(c: Context, name: string): number {
  return wholeText(c.req.param(name) ?? '', name, { min: 0, max: 2 ** 31 - 1 })
}

export function flagParameter(c: Context, name: string): boolean {
  const text = c.req.query(name)
  if (text === undefined || text === 'false') return false
  if (text === 'true' || text === '') return true
  throw badRequest(`${name} is neither true nor false`, `write ${name}=true, or leave it out`)
}

export function badRequest(message: string, hint: string): Refused {
  return new Refused(400, 'HTTP_BAD_REQUEST', message, { hint })
}

function wholeText(text: string, name: string, { min, max }: Bounds): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw badRequest(`${name} is no whole number from ${min} to ${max}`, `write ${name}=${min}, for example`)
}

/** What a request's token is good for, at each step that asks for one. */
import type { Exchange } from '../exchange.ts'
import { HtmlRefusal, Refusal } from '../refusal.ts'
import type { DemoState } from '../steps.ts'
import type { Grant, ReadableTypes } from './access-tokens.ts'

const OPEN: Grant = { readable: 'all', isScoped: false }

/** @throws Refusal (401), in the form the behaviour gives it. */
export function authorize({ tokens, behaviour }: DemoState, exchange: Exchange): Grant {
  try {
    return tokens?.require(exchange) ?? OPEN
  } catch (error) {
    if (error instanceof Refusal && behaviour.unauthorizedForm === 'html') {
      throw new HtmlRefusal(error.status, 'Unauthorized')
    }
    throw error
  }
}

/** @throws Refusal (401), and (403) where a scope does harm. */
export function authorizeExport(state: DemoState, exchange: Exchange): ReadableTypes {
  const { readable, isScoped } = authorize(state, exchange)
  if (state.behaviour.scopeForbids && isScoped) {
    throw new Refusal(403, 'forbidden', 'A token with these scopes may not export.')
  }
  return readable
}

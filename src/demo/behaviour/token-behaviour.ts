/** Oddities of authorization: short-lived tokens, a token endpoint that stumbles, scopes that harm. */
import { count, flag, oneOf, type Checks } from './checks.ts'

export interface TokenBehaviour {
  /** Life of an access token, which is its `expires_in`. */
  tokenLifeSeconds: number
  /** So many token requests, the first ones, are answered 400 with a body that says nothing (Epic). */
  tokenFailures: number
  /** A token that was asked for with any scope gets 403 at the kick-off; without scope it is good (Medplum). */
  scopeForbids: boolean
  /** `html`: a 401 has an HTML body and no `WWW-Authenticate` (reference server). */
  unauthorizedForm: 'outcome' | 'html'
}

export const PLAIN_TOKEN: Readonly<TokenBehaviour> = {
  tokenLifeSeconds: 300,
  tokenFailures: 0,
  scopeForbids: false,
  unauthorizedForm: 'outcome',
}

export const TOKEN_CHECKS: Checks<TokenBehaviour> = {
  tokenLifeSeconds: count,
  tokenFailures: count,
  scopeForbids: flag,
  unauthorizedForm: oneOf('outcome', 'html'),
}

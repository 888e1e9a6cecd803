/**
 * Checks the signed JWT with which a SMART Backend Services client proves who it is
 * (hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html).
 */
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JWK } from 'jose'
import type { Clock } from '../../core/clock.ts'

export const ASSERTION_ALGORITHMS = ['RS384', 'ES384', 'ES256', 'RS256']

const LIFE_SECONDS_MAX = 300
/** Two machines' clocks are never quite the same. */
const SKEW_SECONDS = 5

/** Who signs, and with which keys. */
export interface AssertionSigner {
  readonly clientId: string
  readonly jwks: { keys: JWK[] }
}

/** Says what is wrong with an assertion, or nothing if it is good. An assertion is good once. */
export type AssertionCheck = (assertion: string) => Promise<string | undefined>

export function assertionCheck(client: AssertionSigner, tokenUrl: string, clock: Clock): AssertionCheck {
  const keys = createLocalJWKSet(client.jwks)
  /** `jti` of every assertion accepted, with the epoch second after which it is expired anyway. */
  const used = new Map<string, number>()
  return async (assertion) => {
    const nowSeconds = clock.now().getTime() / 1000
    for (const [jti, until] of used) if (until < nowSeconds) used.delete(jti)
    try {
      if (typeof decodeProtectedHeader(assertion).kid !== 'string') return 'the header has no kid'
      const { payload } = await jwtVerify(assertion, keys, {
        algorithms: ASSERTION_ALGORITHMS,
        audience: tokenUrl,
        issuer: client.clientId,
        subject: client.clientId,
        requiredClaims: ['exp', 'jti'],
        clockTolerance: SKEW_SECONDS,
        currentDate: clock.now(),
      })
      const { exp = 0, jti } = payload
      if (exp > nowSeconds + LIFE_SECONDS_MAX + SKEW_SECONDS) return 'exp is more than five minutes ahead'
      if (typeof jti !== 'string' || jti === '') return 'jti is not a text'
      if (used.has(jti)) return 'this jti has been used before'
      used.set(jti, exp + SKEW_SECONDS)
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : 'the assertion cannot be read'
    }
  }
}

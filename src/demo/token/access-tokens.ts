/** Access tokens: given out by the token endpoint, looked up at every step that needs one. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { Exchange } from '../exchange.ts'
import { Refusal } from '../refusal.ts'
import { clientCheck, type ClientCheck, type RegisteredClient } from './client-authentication.ts'

/** Types a token may read: all, or those named in its scopes. */
export type ReadableTypes = 'all' | ReadonlySet<string>

export interface Grant {
  readonly readable: ReadableTypes
  /** Whether the token was asked for with a scope. */
  readonly isScoped: boolean
}

export class AccessTokens {
  readonly client: RegisteredClient
  readonly checkClient: ClientCheck
  /** Token requests that were turned down on purpose so far. */
  failures = 0
  readonly #clock: Clock
  readonly #grants = new Map<string, Grant & { readonly expiresMs: number }>()

  constructor(client: RegisteredClient, tokenUrl: string, clock: Clock) {
    this.client = client
    this.checkClient = clientCheck(client, tokenUrl, clock)
    this.#clock = clock
  }

  issue(grant: Grant, lifeSeconds: number): string {
    const nowMs = this.#clock.now().getTime()
    for (const [token, { expiresMs }] of this.#grants) if (expiresMs <= nowMs) this.#grants.delete(token)
    const token = randomUUID()
    this.#grants.set(token, { ...grant, expiresMs: nowMs + lifeSeconds * 1000 })
    return token
  }

  /** What the exchange's bearer token allows. Throws a Refusal (401) if there is none, or none that is valid now. */
  require(exchange: Exchange): Grant {
    const token = /^Bearer +(\S+)$/i.exec(exchange.header('authorization'))?.[1]
    if (token === undefined) {
      throw new Refusal(401, 'login', 'An access token is needed.', { 'WWW-Authenticate': 'Bearer realm="fhir"' })
    }
    const grant = this.#grants.get(token)
    if (grant === undefined || grant.expiresMs <= this.#clock.now().getTime()) {
      throw new Refusal(401, grant ? 'expired' : 'login', 'The access token is unknown or expired.', {
        'WWW-Authenticate': 'Bearer realm="fhir", error="invalid_token"',
      })
    }
    return grant
  }
}

/**
 * The types that `scope` lets a client read, in SMART's first or second syntax (`system/*.read`, `system/Patient.rs`).
 * No scope at all asks for everything the client may have (RFC 6749, section 3.3). Undefined if nothing is readable.
 */
export function readableTypes(scope: string): ReadableTypes | undefined {
  const words = scope.split(/\s+/).filter((word) => word !== '')
  if (words.length === 0) return 'all'
  const types = words.flatMap((word) => /^system\/(\*|[A-Za-z]+)\.(?:read|\*|c?ru?d?s)$/.exec(word)?.[1] ?? [])
  if (types.length === 0) return undefined
  return types.includes('*') ? 'all' : new Set(types)
}

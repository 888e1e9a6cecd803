/** Access tokens: got when first needed, shared by all requests, renewed before they expire or once when refused. */
import type { Clock } from '../../core/clock.ts'
import { StokerError } from '../../core/errors.ts'
import type { SigningAlgorithm } from './assertion.ts'
import { bodyJson, orOdd } from '../http/body.ts'
import { discoverTokenUrl } from './discovery.ts'
import type { Http, HttpAnswer } from '../http/http.ts'
import { tokenRequest } from './token-request.ts'
import { unlessAborted } from '../http/unless-aborted.ts'

export type BulkAuth =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'private-key-jwt'
      readonly clientId: string
      /** Private key as PEM, JWK or JWKS. */
      readonly keyText: string
      readonly keyId?: string | undefined
      readonly algorithm?: SigningAlgorithm | undefined
      /** Undefined: discovered. */
      readonly tokenUrl?: URL | undefined
      /** Undefined: none is asked for (Medplum answers 403 to a token that was asked for with a system scope). */
      readonly scope?: string | undefined
    }
  | {
      readonly kind: 'client-secret'
      readonly clientId: string
      readonly secret: string
      readonly method: 'basic' | 'post'
      readonly tokenUrl?: URL | undefined
      readonly scope?: string | undefined
    }
  | { readonly kind: 'bearer'; readonly token: string }

/** A token is renewed when this much of its life is left, or a third of it where its life is short. */
const RENEW_BEFORE_MS = 30_000
/** RFC 6749 §5.1 only recommends expires_in; SMART Backend Services advises five minutes, an hour at most. */
const LIFE_SECONDS_DEFAULT = 300

interface Token {
  readonly text: string
  readonly renewAt: number
}

export class Tokens {
  private readonly auth: BulkAuth
  private readonly http: Http
  private readonly baseUrl: URL
  private readonly clock: Clock
  private held: Token | undefined
  private renewal: { readonly token: Promise<Token>; readonly signal: AbortSignal } | undefined
  private discovered: URL | undefined

  constructor(auth: BulkAuth, http: Http, baseUrl: URL, clock: Clock) {
    this.auth = auth
    this.http = http
    this.baseUrl = baseUrl
    this.clock = clock
  }

  /** A token that is good for a while; undefined where the source needs none. */
  async token(signal: AbortSignal): Promise<string | undefined> {
    if (this.auth.kind === 'none') return undefined
    if (this.auth.kind === 'bearer') return this.auth.token
    if (this.held !== undefined && this.clock.now().getTime() < this.held.renewAt) return this.held.text
    // Many requests may wait for it; one asks.
    this.renewal ??= { token: this.renew(signal).finally(() => (this.renewal = undefined)), signal }
    const renewal = this.renewal
    try {
      // The asker may be asleep for an hour (Retry-After); who only waits with it must not be.
      this.held = await unlessAborted(renewal.token, signal)
    } catch (error) {
      // Given up by the request that asked, not by this one.
      if (renewal.signal.aborted && !signal.aborted) return this.token(signal)
      throw error
    }
    return this.held.text
  }

  /** The server did not take this token: the next request gets another one. False where there is no other. */
  refuse(token: string): boolean {
    if (this.held?.text === token) this.held = undefined
    return this.auth.kind === 'private-key-jwt' || this.auth.kind === 'client-secret'
  }

  private async renew(signal: AbortSignal): Promise<Token> {
    const { auth } = this
    if (auth.kind !== 'private-key-jwt' && auth.kind !== 'client-secret') throw new Error('no token to renew')
    const url = auth.tokenUrl ?? (this.discovered ??= await discoverTokenUrl(this.http, this.baseUrl, signal))
    let askedAt = 0
    // Anew for each try: a server takes an assertion's jti once, and a long Retry-After outlives the assertion.
    const request = () => {
      askedAt = this.clock.now().getTime()
      return tokenRequest(auth, url, new Date(askedAt))
    }
    const take = async (answer: HttpAnswer) => {
      const value = await bodyJson(answer)
      return orOdd(() => readToken(value, askedAt))
    }
    return this.http.send(request, take, signal)
  }
}

function readToken(answer: unknown, askedAt: number): Token {
  const { access_token: text, expires_in: life } = (answer ?? {}) as Record<string, unknown>
  if (typeof text !== 'string' || text === '') {
    throw new StokerError('BULK_TOKEN_INVALID', 'the token endpoint answered without an access_token', {
      hint: 'check that auth.tokenUrl is the token endpoint',
    })
  }
  const seconds = Number(life)
  const lifeMs = (Number.isFinite(seconds) && seconds > 0 ? seconds : LIFE_SECONDS_DEFAULT) * 1000
  return { text, renewAt: askedAt + lifeMs - Math.min(RENEW_BEFORE_MS, lifeMs / 3) }
}

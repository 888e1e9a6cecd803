/** One server as the steps of the protocol see it: its base, its profile, and requests that carry the token. */
import type { Clock } from '../../core/clock.ts'
import { notSignedIn } from '../http/failure.ts'
import type { Http, HttpAnswer, HttpRequest } from '../http/http.ts'
import type { ServerProfile } from './profile.ts'
import type { RetryLimits } from '../http/retry-pace.ts'
import type { Step } from '../http/retry-policy.ts'
import type { Tokens } from '../auth/tokens.ts'

export interface ConnectionOptions {
  /** FHIR base, with a slash at its end. */
  readonly baseUrl: URL
  readonly profile: ServerProfile
  readonly clock: Clock
  readonly limits: RetryLimits
  readonly http: Http
  readonly tokens: Tokens
  /** Origins besides the base's own that may see the token. */
  readonly tokenOrigins: readonly string[]
}

export type StepRequest = Omit<HttpRequest, 'token' | 'refused'>

export class Connection {
  readonly baseUrl: URL
  readonly profile: ServerProfile
  readonly clock: Clock
  readonly limits: RetryLimits
  readonly http: Http
  private readonly tokens: Tokens
  private readonly tokenOrigins: ReadonlySet<string>

  constructor(options: ConnectionOptions) {
    this.baseUrl = options.baseUrl
    this.profile = options.profile
    this.clock = options.clock
    this.limits = options.limits
    this.http = options.http
    this.tokens = options.tokens
    this.tokenOrigins = new Set([options.baseUrl.origin, ...options.tokenOrigins])
  }

  /** Gets a token if the source needs one, as the next request would, and keeps it for that. */
  async signIn(signal: AbortSignal): Promise<void> {
    await this.tokens.token(signal)
  }

  /** Sends with the profile's headers for the step, and with the token where it may go (invariant 9). */
  send<T>(request: StepRequest, take: (answer: HttpAnswer) => Promise<T>, signal: AbortSignal): Promise<T> {
    const signedIn = {
      token: async (url: URL) => (this.tokenOrigins.has(url.origin) ? this.tokenFor(request.step, signal) : undefined),
      refused: (token: string) => this.tokens.refuse(token),
    }
    return this.http.send({ ...this.dressed(request), ...signedIn }, take, signal)
  }

  /** The same without a token: it "SHALL NOT" be sent for files when requiresAccessToken is false. */
  sendUnsigned<T>(request: StepRequest, take: (answer: HttpAnswer) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.http.send(this.dressed(request), take, signal)
  }

  private async tokenFor(step: Step, signal: AbortSignal): Promise<string | undefined> {
    try {
      return await this.tokens.token(signal)
    } catch (error) {
      throw notSignedIn(step, error)
    }
  }

  private dressed(request: StepRequest): StepRequest {
    const headers = { ...request.headers, ...this.profile.headers[request.step] }
    return { ...request, headers, isHome: (url) => this.tokenOrigins.has(url.origin) }
  }
}

/** A client of one Bulk Data server: kick-off, waiting, files, release. */
import type { Readable } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import { StokerError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { bodyJson } from './body.ts'
import { FILE_HEADERS, takeFile } from './file.ts'
import { headerOf, Http, type HttpRequest } from './http.ts'
import { kickOffUrl, type ExportRequest, type Kickoff } from './kick-off.ts'
import { parseManifest, type Manifest, type ManifestFile } from './manifest.ts'
import { retryAfterMs } from './retry-after.ts'
import { POLL_MS_MIN, RETRY_LIMITS, type RetryLimits } from './retry-policy.ts'
import { Tokens, type BulkAuth } from './tokens.ts'

export interface BulkClientOptions {
  /** FHIR base, with a slash at its end. */
  readonly baseUrl: URL
  readonly auth: BulkAuth
  readonly clock: Clock
  readonly log: Log
  /** Plain http to another machine is allowed on purpose. */
  readonly allowHttp: boolean
  /** Origins besides the base's own that may see the token where a manifest asks for it. */
  readonly tokenOrigins: readonly string[]
  readonly userAgent: string
  readonly random?: () => number
  readonly limits?: Partial<RetryLimits>
}

export interface WaitOptions {
  /** When to stop waiting. */
  readonly deadline: Date
  readonly onProgress: (progress: { readonly progress: string | undefined }) => void
  readonly signal: AbortSignal
}

export type StatusAnswer =
  | { readonly state: 'working'; readonly progress: string | undefined; readonly retryAfterMs: number | undefined }
  | { readonly state: 'done'; readonly manifest: Manifest }

/** Without Retry-After the polls begin at POLL_MS_MIN and grow rarer. */
const POLL_MS_MAX = 60_000
const POLL_GROWTH = 1.5

export class BulkClient {
  private readonly options: BulkClientOptions
  private readonly http: Http
  private readonly tokens: Tokens
  private readonly tokenOrigins: ReadonlySet<string>

  constructor(options: BulkClientOptions) {
    const { clock, log, allowHttp, userAgent, random = Math.random } = options
    this.options = options
    this.http = new Http({ clock, log, allowHttp, userAgent, random, limits: { ...RETRY_LIMITS, ...options.limits } })
    this.tokens = new Tokens(options.auth, this.http, options.baseUrl, clock)
    this.tokenOrigins = new Set([options.baseUrl.origin, ...options.tokenOrigins])
  }

  /**
   * Asks for an export.
   * @throws StokerError BULK_REFUSED with the server's words, BULK_NO_STATUS_URL
   */
  async kickOff(request: ExportRequest, signal: AbortSignal): Promise<Kickoff> {
    const url = kickOffUrl(this.options.baseUrl, request)
    // The reference server refuses any other Accept. HAPI hands out an old job of the same query without no-cache.
    const headers = { accept: 'application/fhir+json', prefer: 'respond-async', 'cache-control': 'no-cache' }
    const asked: HttpRequest = { step: 'kick-off', method: 'GET', url, headers, ...this.signedIn(signal) }
    return this.http.send(
      asked,
      async (answer) => {
        await answer.body.dump()
        const location = headerOf(answer, 'content-location')
        if (location === undefined || !URL.canParse(location, answer.url.href)) {
          const message = `the server took the export request (${answer.status}) but did not say where its status is`
          throw new StokerError('BULK_NO_STATUS_URL', message, {
            hint: 'check that baseUrl is that of a Bulk Data server; a proxy may have cut off Content-Location',
          })
        }
        const date = new Date(headerOf(answer, 'date') ?? NaN)
        return {
          statusUrl: new URL(location, answer.url).href,
          requestUrl: url.href,
          serverDate: Number.isNaN(date.getTime()) ? undefined : date,
        }
      },
      signal,
    )
  }

  /**
   * One look at an export.
   * @throws StokerError BULK_EXPORT_GONE, BULK_MANIFEST_INVALID, BULK_REFUSED when the export failed
   */
  async poll(statusUrl: string, signal: AbortSignal): Promise<StatusAnswer> {
    const url = new URL(statusUrl)
    const headers = { accept: 'application/json' }
    const asked: HttpRequest = { step: 'status', method: 'GET', url, headers, ...this.signedIn(signal) }
    return this.http.send(
      asked,
      async (answer) => {
        if (answer.status === 202) {
          await answer.body.dump()
          const progress = headerOf(answer, 'x-progress')?.replace(/\s+/g, ' ').slice(0, 100)
          const header = headerOf(answer, 'retry-after')
          return { state: 'working', progress, retryAfterMs: retryAfterMs(header, this.options.clock.now()) }
        }
        return { state: 'done', manifest: parseManifest(await bodyJson(answer), answer.url) }
      },
      signal,
    )
  }

  /**
   * Polls until the manifest is there.
   * @throws StokerError BULK_DEADLINE when it is not by then: some servers (Medplum, Azure) say 202 for ever
   */
  async waitForManifest(statusUrl: string, options: WaitOptions): Promise<Manifest> {
    const { clock, limits } = this.options
    const retryAfterMsMax = limits?.retryAfterMsMax ?? RETRY_LIMITS.retryAfterMsMax
    for (let own = POLL_MS_MIN; ; own = Math.min(POLL_MS_MAX, own * POLL_GROWTH)) {
      const answer = await this.poll(statusUrl, options.signal)
      if (answer.state === 'done') return answer.manifest
      options.onProgress(answer)
      const left = options.deadline.getTime() - clock.now().getTime()
      if (left <= 0) {
        await this.release(statusUrl, options.signal).catch(() => undefined)
        const message = 'the server did not finish the export before its deadline; it was cancelled'
        throw new StokerError('BULK_DEADLINE', message, {
          hint: 'ask the operator of the server, or raise deadlineHours of the source',
        })
      }
      const asked = Math.min(retryAfterMsMax, answer.retryAfterMs ?? own)
      await clock.sleep(Math.min(left, Math.max(POLL_MS_MIN, asked)), options.signal)
    }
  }

  /**
   * Streams a file, decompressed, to `consume`; when it breaks off in the middle, again from its beginning.
   * @throws StokerError BULK_FILE_LOST when it is not to be had
   */
  async fetchFile<T>(
    file: Pick<ManifestFile, 'url' | 'kind'>,
    manifest: Pick<Manifest, 'requiresAccessToken'>,
    consume: (body: Readable) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    // "SHALL NOT" be sent when requiresAccessToken is false (Bulk Data Access, "Bulk Data Output File Request").
    const token = manifest.requiresAccessToken ? this.signedIn(signal) : {}
    return this.http.send(
      { step: 'file', method: 'GET', url: new URL(file.url), headers: FILE_HEADERS, ...token },
      (answer) => takeFile(answer, file.kind, consume),
      signal,
    )
  }

  /** Lets the server forget an export, or cancels it. */
  async release(statusUrl: string, signal: AbortSignal): Promise<void> {
    const url = new URL(statusUrl)
    const headers = { accept: 'application/fhir+json' }
    const asked: HttpRequest = { step: 'release', method: 'DELETE', url, headers, ...this.signedIn(signal) }
    await this.http.send(asked, ({ body }) => body.dump(), signal)
  }

  async close(): Promise<void> {
    await this.http.close()
  }

  private signedIn(signal: AbortSignal) {
    return {
      token: async (url: URL) => (this.tokenOrigins.has(url.origin) ? this.tokens.token(signal) : undefined),
      refused: (token: string) => this.tokens.refuse(token),
    }
  }
}

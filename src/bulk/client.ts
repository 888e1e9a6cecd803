/** A client of one Bulk Data server: kick-off, waiting, files, release. */
import type { Readable } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { CheckLine } from './check/line.ts'
import { checkSource, type CheckRequest } from './check/check.ts'
import type { CallBudget } from './http/call-budget.ts'
import { Connection } from './server/connection.ts'
import { fetchFile, type FileHooks } from './file/fetch-file.ts'
import { Http, type ServerWait } from './http/http.ts'
import { kickOff, type ExportRequest, type Kickoff } from './export/kick-off.ts'
import type { Manifest, ManifestFile } from './export/manifest.ts'
import type { ListedBefore } from './export/manifest-pages.ts'
import { STANDARD_PROFILE, type ServerProfile } from './server/profile.ts'
import { readPublished, type PublishedAnswer, type PublishedOptions } from './export/published.ts'
import { release } from './export/release.ts'
import { CHECK_LIMITS, RETRY_LIMITS, type RetryLimits } from './http/retry-pace.ts'
import { Tokens, type BulkAuth } from './auth/tokens.ts'
import type { Trace } from './http/trace.ts'
import { pages, readManifest, type WaitOptions } from './export/wait.ts'

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
  /** What this kind of server needs; by default what most understand. */
  readonly profile?: ServerProfile
  readonly random?: () => number
  readonly limits?: Partial<RetryLimits>
  /** Shared by all clients of the process: the calls to a host are counted together. */
  readonly budget?: CallBudget | undefined
  /** Where each exchange is written down, without token and content. */
  readonly trace?: Trace | undefined
  /** Told of waits that an operator would wonder at. */
  readonly onWait?: ((wait: ServerWait) => void) | undefined
}

/** Its methods are the steps of the protocol; each one's file says what it throws. */
export class BulkClient {
  private readonly options: BulkClientOptions
  private readonly connection: Connection

  constructor(options: BulkClientOptions) {
    this.options = options
    this.connection = connect(options, RETRY_LIMITS)
  }

  /** On connections of its own, with less patience. */
  async *check(asked: CheckRequest, signal: AbortSignal): AsyncGenerator<CheckLine> {
    const connection = connect(this.options, CHECK_LIMITS)
    try {
      yield* checkSource(connection, asked, signal)
    } finally {
      await connection.http.close()
    }
  }

  kickOff(request: ExportRequest, signal: AbortSignal, deadline?: Date): Promise<Kickoff> {
    return kickOff(this.connection, request, signal, deadline)
  }

  pages(statusUrl: string, options: WaitOptions): AsyncGenerator<Manifest, void, void> {
    return pages(this.connection, statusUrl, options)
  }

  readManifest(statusUrl: string, signal: AbortSignal, before?: readonly ListedBefore[]): Promise<Manifest> {
    return readManifest(this.connection, statusUrl, signal, before)
  }

  readPublished(url: string, options: PublishedOptions): Promise<PublishedAnswer> {
    return readPublished(this.connection, url, options)
  }

  fetchFile<T>(
    file: Pick<ManifestFile, 'url' | 'kind'> & Partial<Pick<ManifestFile, 'type'>>,
    manifest: Pick<Manifest, 'requiresAccessToken'>,
    consume: (body: Readable) => Promise<T>,
    signal: AbortSignal,
    hooks?: FileHooks,
  ): Promise<T> {
    return fetchFile(this.connection, file, manifest, consume, signal, hooks)
  }

  release(statusUrl: string, signal: AbortSignal): Promise<void> {
    return release(this.connection, statusUrl, signal)
  }

  close(): Promise<void> {
    return this.connection.http.close()
  }
}

function connect(options: BulkClientOptions, usual: RetryLimits): Connection {
  const { baseUrl, clock, log, allowHttp, userAgent, tokenOrigins, random = Math.random } = options
  const limits = { ...usual, ...options.limits }
  const { profile = STANDARD_PROFILE, budget, trace, onWait } = options
  const { callsPerMinute } = profile
  const pace = callsPerMinute === undefined ? undefined : { host: baseUrl.host, callsPerMinute }
  const http = new Http({ clock, log, allowHttp, userAgent, random, limits, budget, pace, trace, onWait })
  const tokens = new Tokens(options.auth, http, baseUrl, clock)
  return new Connection({ baseUrl, profile, clock, limits, http, tokens, tokenOrigins })
}

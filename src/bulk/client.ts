/** A client of one Bulk Data server: kick-off, waiting, files, release. */
import type { Readable } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { Connection } from './connection.ts'
import { fetchFile } from './fetch-file.ts'
import { Http } from './http.ts'
import { kickOff, type ExportRequest, type Kickoff } from './kick-off.ts'
import type { Manifest, ManifestFile } from './manifest.ts'
import { STANDARD_PROFILE, type ServerProfile } from './profile.ts'
import { release } from './release.ts'
import { RETRY_LIMITS, type RetryLimits } from './retry-policy.ts'
import { poll, waitForManifest, type StatusAnswer, type WaitOptions } from './status.ts'
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
  /** What this kind of server needs; by default what most understand. */
  readonly profile?: ServerProfile
  readonly random?: () => number
  readonly limits?: Partial<RetryLimits>
}

/** Its methods are the steps of the protocol; each one's file says what it throws. */
export class BulkClient {
  private readonly connection: Connection

  constructor(options: BulkClientOptions) {
    const { baseUrl, clock, log, allowHttp, userAgent, tokenOrigins, random = Math.random } = options
    const limits = { ...RETRY_LIMITS, ...options.limits }
    const http = new Http({ clock, log, allowHttp, userAgent, random, limits })
    const tokens = new Tokens(options.auth, http, baseUrl, clock)
    const profile = options.profile ?? STANDARD_PROFILE
    this.connection = new Connection({ baseUrl, profile, clock, limits, http, tokens, tokenOrigins })
  }

  kickOff(request: ExportRequest, signal: AbortSignal): Promise<Kickoff> {
    return kickOff(this.connection, request, signal)
  }

  poll(statusUrl: string, signal: AbortSignal): Promise<StatusAnswer> {
    return poll(this.connection, statusUrl, signal)
  }

  waitForManifest(statusUrl: string, options: WaitOptions): Promise<Manifest> {
    return waitForManifest(this.connection, statusUrl, options)
  }

  fetchFile<T>(
    file: Pick<ManifestFile, 'url' | 'kind'>,
    manifest: Pick<Manifest, 'requiresAccessToken'>,
    consume: (body: Readable) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    return fetchFile(this.connection, file, manifest, consume, signal)
  }

  release(statusUrl: string, signal: AbortSignal): Promise<void> {
    return release(this.connection, statusUrl, signal)
  }

  close(): Promise<void> {
    return this.connection.http.close()
  }
}

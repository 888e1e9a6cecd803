/** Wiring of a check: a configured source → a client that gives up soon, and what a first run would ask of it. */
import type { CheckLine } from '../bulk/check/line.ts'
import { BulkClient } from '../bulk/client.ts'
import type { ExportRequest } from '../bulk/export/kick-off.ts'
import { systemClock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import { bulkAuth } from './bulk-auth.ts'
import type { SourceConfig } from './config-source.ts'
import { TraceFile } from './trace-file.ts'
import { STOKER_VERSION } from './version.ts'

export interface CheckOptions {
  readonly log: Log
  readonly signal: AbortSignal
  /** An export is asked for, and deleted at once. */
  readonly tryExport: boolean
}

/** Somebody waits at the terminal: what does not answer at the second try does not work now. */
const LIMITS = { attemptsMax: 2, retryAfterMsMax: 5000 }

export async function* checkConfigured(source: SourceConfig, options: CheckOptions): AsyncGenerator<CheckLine> {
  const { baseUrl, profile, allowHttp, tokenOrigins, manifestUrl } = source
  const { log, signal, tryExport } = options
  const auth = bulkAuth(source.auth)
  const userAgent = `fhir-stoker/${STOKER_VERSION}`
  const trace = source.trace === undefined ? undefined : new TraceFile(source.trace)
  const client = new BulkClient({
    baseUrl,
    auth,
    profile,
    clock: systemClock,
    log,
    allowHttp,
    tokenOrigins,
    userAgent,
    limits: LIMITS,
    trace,
  })
  try {
    const asked = { request: firstRequest(source), typesNamed: source.typesNamed, auth, manifestUrl, tryExport }
    yield* client.check(asked, signal)
  } finally {
    await client.close()
    trace?.close()
  }
}

/** Empty lists are not sent. */
function firstRequest({ level, types, request, since }: SourceConfig): ExportRequest {
  return { level, types, ...request, since: since.firstLoad }
}

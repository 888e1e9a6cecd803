/** Kick-off: what is asked of the server, and where it says the answer will be. */
import { StokerError } from '../core/errors.ts'
import type { Connection } from './connection.ts'
import { headerOf } from './http.ts'

export type ExportLevel =
  { readonly kind: 'system' } | { readonly kind: 'patient' } | { readonly kind: 'group'; readonly id: string }

export interface ExportRequest {
  readonly level: ExportLevel
  readonly types: readonly string[]
  /** A FHIR instant, sent as it is. */
  readonly since?: string | undefined
}

export interface Kickoff {
  readonly statusUrl: string
  /** As sent; it holds no secret. */
  readonly requestUrl: string
  /** The server's clock when it took the request, where it says. */
  readonly serverDate: Date | undefined
}

/**
 * Asks for an export.
 * @throws StokerError BULK_REFUSED with the server's words, BULK_NO_STATUS_URL
 */
export async function kickOff(connection: Connection, request: ExportRequest, signal: AbortSignal): Promise<Kickoff> {
  const url = kickOffUrl(connection.baseUrl, request)
  // The reference server refuses any other Accept.
  const headers = { accept: 'application/fhir+json', prefer: 'respond-async' }
  return connection.send(
    { step: 'kick-off', method: 'GET', url, headers },
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

/** Bulk Data Access, "Bulk Data Kick-off Request". `baseUrl` ends with a slash. */
export function kickOffUrl(baseUrl: URL, request: ExportRequest): URL {
  const url = new URL(`${levelPath(request.level)}$export`, baseUrl)
  // Comma-joined, which every server reads; some (Oracle, HAPI) read a repeated _type not at all.
  const query = [`_type=${request.types.map(encodeURIComponent).join(',')}`]
  if (request.since !== undefined) query.push(`_since=${encodeURIComponent(request.since)}`)
  url.search = query.join('&')
  return url
}

function levelPath(level: ExportLevel): string {
  switch (level.kind) {
    case 'system':
      return ''
    case 'patient':
      return 'Patient/'
    case 'group':
      return `Group/${encodeURIComponent(level.id)}/`
  }
}

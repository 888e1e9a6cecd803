/** Kick-off: what is asked of the server, and where it says the answer will be. */
import { StokerError } from '../../core/errors.ts'
import type { Connection } from '../server/connection.ts'
import { headerOf } from '../http/http.ts'
import { exportParameters, exportPath, exportQuery, parametersFor } from './parameters.ts'
import type { ExportLevel } from '../server/level.ts'
import type { ExportParameter, ServerProfile } from '../server/profile.ts'

export interface ExportRequest {
  readonly level: ExportLevel
  readonly types: readonly string[]
  /** A FHIR instant, sent as it is. */
  readonly since?: string | undefined
  /** A FHIR instant, sent as it is (STU3). */
  readonly until?: string | undefined
  /** `element` or `Type.element`. */
  readonly elements?: readonly string[] | undefined
  /** `Type?query`, in the form of a URL's query: what is percent-encoded in it stays so. */
  readonly typeFilters?: readonly string[] | undefined
  /** Ids of Patients; forces POST. Not at system level. */
  readonly patients?: readonly string[] | undefined
  /** Codes of the specification's value set, or a server's own, which begin with `_`. */
  readonly includeAssociatedData?: readonly string[] | undefined
  /** A resource type (STU3). */
  readonly organizeOutputBy?: string | undefined
  /** Sent only where it is set (STU3). */
  readonly allowPartialManifests?: boolean | undefined
  readonly outputFormat?: string | undefined
}

export interface Kickoff {
  readonly statusUrl: string
  /** As sent, of a POST without its body; it holds no secret. */
  readonly requestUrl: string
  /** The server's clock when it took the request, where it says. */
  readonly serverDate: Date | undefined
  /** What was not sent because this kind of server does not read it: the export is of more than was asked. */
  readonly leftOut: readonly ExportParameter[]
}

/** What a kick-off sends, whether or not it is sent. */
export interface KickOffRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  /** Of a POST. */
  readonly body: string | undefined
  readonly leftOut: readonly ExportParameter[]
}

/**
 * Asks for an export.
 * @param deadline how long to wait for a place where the server has none; without it, for a few tries
 * @throws StokerError BULK_LEVEL, BULK_BUSY, BULK_REFUSED with the server's words, BULK_NO_STATUS_URL
 */
export async function kickOff(
  connection: Connection,
  request: ExportRequest,
  signal: AbortSignal,
  deadline?: Date,
): Promise<Kickoff> {
  const { method, url, headers, body, leftOut } = kickOffRequest(connection.baseUrl, connection.profile, request)
  const asksPatients = request.patients?.length && !leftOut.includes('patient')
  return connection.send(
    {
      ...{ step: 'kick-off', method, url, headers },
      ...(body !== undefined && { body }),
      ...(deadline && { deadline }),
      ...(asksPatients && { hint: NO_PATIENTS }),
    },
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
        leftOut,
      }
    },
    signal,
  )
}

/** Few servers read `patient`; newcomers' history is all that it is asked for. */
const NO_PATIENTS =
  "if this server exports no single patients, set groupChanges.newcomers: group for the source; else check the client's permissions"

/**
 * Bulk Data Access, "Bulk Data Kick-off Request". `baseUrl` ends with a slash. `patient` goes only by POST, whatever the
 * profile's method.
 * @throws StokerError BULK_LEVEL
 */
export function kickOffRequest(
  baseUrl: URL,
  profile: Pick<ServerProfile, 'name' | 'kickOff'>,
  request: ExportRequest,
): KickOffRequest {
  const { asked, leftOut } = parametersFor(request, profile)
  const url = new URL(exportPath(request.level), baseUrl)
  const isPost = profile.kickOff.method === 'POST' || asked.some(({ name }) => name === 'patient')
  // The reference server refuses any other Accept.
  const headers = { accept: 'application/fhir+json', prefer: ['respond-async', ...profile.kickOff.prefer].join(', ') }
  if (!isPost) {
    url.search = exportQuery(asked, profile.kickOff)
    return { method: 'GET', url, headers, body: undefined, leftOut }
  }
  const body = JSON.stringify(exportParameters(asked, profile.kickOff))
  return { method: 'POST', url, headers: { ...headers, 'content-type': 'application/fhir+json' }, body, leftOut }
}

/** The steps of a check that sign in: the token, what it opens, and the Group. */
import { StokerError } from '../../core/errors.ts'
import { failedLine, line, wayOutOf, type CheckLine } from './line.ts'
import type { CheckedServer } from './server.ts'
import type { Connection } from '../server/connection.ts'
import type { BulkAuth } from '../auth/tokens.ts'
import { shown } from '../http/url.ts'

export async function checkToken(
  connection: Connection,
  auth: BulkAuth,
  keyFailed: boolean,
  { reached, capabilities }: CheckedServer,
  signal: AbortSignal,
): Promise<CheckLine> {
  if (auth.kind === 'none') return line('token', 'ok', 'none is asked for')
  if (auth.kind === 'bearer') return line('token', 'ok', 'it is given; the next step tells whether the server takes it')
  if (keyFailed) return line('token', 'skipped', 'not asked for, because of the key')
  if (!reached && auth.tokenUrl === undefined && capabilities.tokenUrl === undefined) {
    return line('token', 'skipped', 'not asked for: where is not known, because of what failed above')
  }
  try {
    await connection.signIn(signal)
    const scope = auth.scope === undefined ? 'without a scope' : `with the scope ${auth.scope}`
    return line('token', 'ok', `the server gave one, asked for ${scope}`)
  } catch (error) {
    if (!(error instanceof StokerError)) throw error
    return failedLine('token', error, tokenWayOut(error, auth.scope))
  }
}

/** By the errors of OAuth (RFC 6749 §5.2); what the request itself advises stands behind. */
function tokenWayOut(error: StokerError, scope: string | undefined): string {
  const said = error.message
  const hint = wayOutOf(error)
  if (/expired/i.test(said))
    return `the secret, key or registration has expired: make a new one and register it; ${hint}`
  if (/invalid_scope/.test(said)) {
    return `set auth.scope to scopes the client was given at registration, or to none; ${scope ?? 'none'} was asked for`
  }
  if (/invalid_client/.test(said)) return `the server does not know the client, its key or its secret; ${hint}`
  if (/unauthorized_client|unsupported_grant_type/.test(said)) {
    return 'have the client registered as a backend service (client_credentials)'
  }
  if (error.facts.status === 404 || error.facts.status === 405 || error.code === 'BULK_TOKEN_INVALID') {
    return 'that is no token endpoint: leave auth.tokenUrl out, or correct it'
  }
  return hint
}

/** A search that gives a number at most. Exports may be allowed where it is not, so little depends on it. */
export async function checkAccess(connection: Connection, auth: BulkAuth, signal: AbortSignal): Promise<CheckLine> {
  const status = await statusOf(connection, 'Patient?_summary=count', signal)
  if (typeof status !== 'number') {
    const failed = failedLine('access', status)
    return status.code === 'BULK_BUSY' ? { ...failed, verdict: 'warning' } : failed
  }
  if (status === 401 && auth.kind === 'none') {
    return line('access', 'failed', 'the server wants a token (401)', 'set auth: the source signs in with nothing')
  }
  if (status === 401 && auth.kind === 'bearer') {
    return line('access', 'failed', 'the server refuses the token (401)', 'get a new token: it is wrong or has expired')
  }
  if (status === 401) {
    const wayOut =
      'check that baseUrl and the token endpoint are of one server; a proxy between may take the Authorization header away'
    return line('access', 'warning', 'the server refuses the token it gave (401)', wayOut)
  }
  if (status === 403) {
    const wayOut =
      "exports may be allowed all the same; if not, ask for the client's permissions, or another auth.scope"
    return line('access', 'warning', 'the client may not search patients (403)', wayOut)
  }
  const isOpen = auth.kind === 'none' ? 'the server answers without a token' : 'the server takes the token'
  return line('access', 'ok', status < 300 ? isOpen : `no objection; a search for patients is not offered (${status})`)
}

/** @param isReadable whether the server says that Groups can be read; some export what they do not let anyone read. */
export async function checkGroup(
  connection: Connection,
  id: string,
  isReadable: boolean,
  signal: AbortSignal,
): Promise<CheckLine> {
  const status = await statusOf(connection, `Group/${encodeURIComponent(id)}`, signal)
  if (typeof status !== 'number') return failedLine('group', status)
  if (status < 300) return line('group', 'ok', `Group/${id} is there`)
  const ids = "check 'group' of the source: it is the id of the Group at this server, not its name"
  if ((status === 404 || status === 410) && isReadable) {
    return line('group', 'failed', `there is no Group/${id} (${status})`, ids)
  }
  const text = `Group/${id} can not be read (${status})`
  const wayOut = `some servers export Groups they let nobody read; if the export is refused, ${ids}, and the client's permissions`
  return line('group', 'warning', text, wayOut)
}

/** The status of a GET as a run would sign it, its body unread; an error where there was no answer. */
async function statusOf(connection: Connection, path: string, signal: AbortSignal): Promise<number | StokerError> {
  const url = new URL(path, connection.baseUrl)
  // A gateway that wants a key of the profile for exports wants it here.
  const headers = { ...connection.profile.headers['kick-off'], accept: 'application/fhir+json' }
  try {
    // Unread: the answer is a number or a Group, and either is nothing to keep.
    return await connection.send(
      { step: 'discovery', method: 'GET', url, headers },
      async ({ status }) => status,
      signal,
    )
  } catch (error) {
    if (!(error instanceof StokerError)) throw error
    const { status } = error.facts
    if (error.code === 'BULK_REFUSED' && typeof status === 'number') return status
    return new StokerError(error.code, `${shown(url)}: ${error.message}`, {
      facts: error.facts,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    })
  }
}

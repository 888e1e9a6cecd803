/** Whether a server would take an export, step by step in plain words, without asking for one. */
import { readSigningKey, signAssertion } from '../auth/assertion.ts'
import { checkAccess, checkGroup, checkToken } from './access.ts'
import { checkExport, checkKickOff, checkPublished } from './kick-off.ts'
import { checkClock, checkDiscovery, checkServer } from './server.ts'
import { failedLine, line, type CheckLine } from './line.ts'
import type { Connection } from '../server/connection.ts'
import type { ExportRequest } from '../export/kick-off.ts'
import type { BulkAuth } from '../auth/tokens.ts'
import { StokerError } from '../../core/errors.ts'

export interface CheckRequest {
  /** What a run would ask for first. */
  readonly request: ExportRequest
  /** False: its types are those that tables are made of; what else the server has is told. */
  readonly typesNamed?: boolean | undefined
  readonly auth: BulkAuth
  /** Read in place of exports. */
  readonly manifestUrl: URL | undefined
  /** An export is asked for, and deleted at once. */
  readonly tryExport: boolean
}

/**
 * Gives a line as each step is done, and walks on after a failure where that tells more. It throws nothing but what an
 * abort throws: a failure is a line, and so is an error of a kind nobody foresaw.
 */
export async function* checkSource(
  connection: Connection,
  asked: CheckRequest,
  signal: AbortSignal,
): AsyncGenerator<CheckLine> {
  const { auth, request } = asked
  const key = await checkKey(auth, connection)
  yield key
  const server = await checkServer(connection, signal)
  yield* server.lines
  if (server.reached) yield* await checkDiscovery(server, asked, connection)
  const token = await checkToken(connection, auth, key.verdict === 'failed', server, signal)
  yield token
  yield checkClock(server, auth, token.verdict === 'failed')
  const mayAsk = server.reached && token.verdict !== 'failed'
  if (mayAsk) yield await checkAccess(connection, auth, signal)
  if (asked.manifestUrl !== undefined) {
    yield await checkPublished(connection, asked.manifestUrl, signal)
    return
  }
  if (mayAsk && request.level.kind === 'group') {
    yield await checkGroup(connection, request.level.id, server.capabilities.readsGroups, signal)
  }
  yield checkKickOff(connection, request)
  if (asked.tryExport && mayAsk) yield* checkExport(connection, request, signal)
  if (asked.tryExport && !mayAsk) yield line('export', 'skipped', 'not tried, because of what failed above')
}

async function checkKey(auth: BulkAuth, { baseUrl, clock }: Connection): Promise<CheckLine> {
  switch (auth.kind) {
    case 'none':
      return line('key', 'ok', 'none is needed: the source signs in with nothing')
    case 'bearer':
      return line('key', 'ok', 'a fixed token is given; it can not be renewed when it expires')
    case 'client-secret':
      return line('key', 'ok', `a client secret is given, to be sent by ${auth.method}`)
    case 'private-key-jwt':
      try {
        const key = readSigningKey(auth.keyText, auth.keyId, auth.algorithm)
        await signAssertion(key, auth.clientId, baseUrl.href, clock.now())
        const kid = key.kid === undefined ? 'no key id (auth.keyId gives one)' : `key id ${key.kid}`
        return line('key', 'ok', `the private key signs with ${key.algorithm}, ${kid}`)
      } catch (error) {
        if (!(error instanceof StokerError)) throw error
        return failedLine('key', error)
      }
  }
}

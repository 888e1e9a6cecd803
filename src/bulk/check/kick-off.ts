/** The last steps of a check: what would be asked for, a published manifest, and an export that is deleted at once. */
import { StokerError } from '../../core/errors.ts'
import { bodyJson } from '../http/body.ts'
import { failedLine, line, type CheckLine } from './line.ts'
import type { Connection } from '../server/connection.ts'
import { kickOff, kickOffRequest, type ExportRequest } from '../export/kick-off.ts'
import { release } from '../export/release.ts'
import { shown } from '../http/url.ts'

/** Nothing is sent: a kick-off can not be tried without beginning an export. */
export function checkKickOff({ baseUrl, profile }: Connection, request: ExportRequest): CheckLine {
  try {
    const { method, url, body, leftOut } = kickOffRequest(baseUrl, profile, request)
    const parameters = body === undefined ? decodeURIComponent(url.search) : ` with ${body}`
    const text = `a run would ask for ${method} ${shown(url)}${parameters}`
    if (leftOut.length === 0) return line('kick-off', 'ok', text)
    const wayOut = `name another profile if this server reads ${leftOut.join(', ')}`
    return line('kick-off', 'warning', `${text}, leaving out ${leftOut.join(', ')}`, wayOut)
  } catch (error) {
    if (!(error instanceof StokerError)) throw error
    return failedLine('kick-off', error)
  }
}

/** Asks for what changed within the last minute: the smallest export there is. */
export async function* checkExport(
  connection: Connection,
  request: ExportRequest,
  signal: AbortSignal,
): AsyncGenerator<CheckLine> {
  const since = new Date(connection.clock.now().getTime() - 60_000).toISOString()
  let statusUrl: string
  try {
    statusUrl = (await kickOff(connection, { ...request, since }, signal)).statusUrl
    yield line('export', 'ok', 'the server took the request for an export')
  } catch (error) {
    if (!(error instanceof StokerError)) throw error
    yield failedLine('export', error)
    return
  }
  try {
    await release(connection, statusUrl, signal)
    yield line('export', 'ok', 'it was deleted at once')
  } catch (error) {
    if (!(error instanceof StokerError)) throw error
    const text = `it could not be deleted: ${error.message}`
    yield line(
      'export',
      'warning',
      text,
      'it expires by itself; where one export is allowed at a time, the next has to wait',
    )
  }
}

/** Bulk Data Access 4, "Bulk Publish": a manifest at an address of its own. */
export async function checkPublished(connection: Connection, url: URL, signal: AbortSignal): Promise<CheckLine> {
  const request = { step: 'published', method: 'GET', url, headers: { accept: 'application/json' } } as const
  try {
    const manifest = await connection.send(request, bodyJson, signal)
    const output = (manifest as { output?: unknown } | null | undefined)?.output
    if (Array.isArray(output)) return line('kick-off', 'ok', `${shown(url)} lists ${output.length} files`)
    return line(
      'kick-off',
      'failed',
      `${shown(url)} is no manifest`,
      'correct manifestUrl: it is often [base]/$bulk-publish',
    )
  } catch (error) {
    if (!(error instanceof StokerError)) throw error
    const wayOut = error.facts.status === 404 ? 'correct manifestUrl: it is often [base]/$bulk-publish' : undefined
    return failedLine('kick-off', error, wayOut)
  }
}

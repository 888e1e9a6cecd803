/** Release: the server may forget an export, or stop working on it. */
import type { Connection } from '../server/connection.ts'

/** It expires by itself: nobody waits for longer than this to have it deleted. */
const RELEASE_MS_MAX = 300_000

/** Bulk Data Access, "Bulk Data Delete Request". An export that is already gone is released. */
export async function release(connection: Connection, statusUrl: string, signal: AbortSignal): Promise<void> {
  const headers = { accept: 'application/fhir+json' }
  const url = new URL(statusUrl)
  const deadline = new Date(connection.clock.now().getTime() + RELEASE_MS_MAX)
  const request = { step: 'release', method: 'DELETE', url, headers, deadline } as const
  await connection.send(request, ({ body }) => body.dump(), signal)
}

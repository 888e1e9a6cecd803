/** Release: the server may forget an export, or stop working on it. */
import type { Connection } from './connection.ts'

/** Bulk Data Access, "Bulk Data Delete Request". An export that is already gone is released. */
export async function release(connection: Connection, statusUrl: string, signal: AbortSignal): Promise<void> {
  const headers = { accept: 'application/fhir+json' }
  const url = new URL(statusUrl)
  await connection.send({ step: 'release', method: 'DELETE', url, headers }, ({ body }) => body.dump(), signal)
}

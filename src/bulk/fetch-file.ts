/** The download of one export file. */
import type { Readable } from 'node:stream'
import type { Connection } from './connection.ts'
import { FILE_HEADERS, takeFile } from './file.ts'
import type { Manifest, ManifestFile } from './manifest.ts'

/**
 * Streams a file, decompressed, to `consume`; when it breaks off in the middle, again from its beginning.
 * @throws StokerError BULK_FILE_LOST when it is not to be had
 */
export async function fetchFile<T>(
  connection: Connection,
  file: Pick<ManifestFile, 'url' | 'kind'>,
  manifest: Pick<Manifest, 'requiresAccessToken'>,
  consume: (body: Readable) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const request = { step: 'file', method: 'GET', url: new URL(file.url), headers: FILE_HEADERS } as const
  // "SHALL NOT" be sent when requiresAccessToken is false (Bulk Data Access, "Bulk Data Output File Request").
  return manifest.requiresAccessToken
    ? connection.send(request, (answer) => takeFile(answer, file.kind, consume), signal)
    : connection.sendUnsigned(request, (answer) => takeFile(answer, file.kind, consume), signal)
}

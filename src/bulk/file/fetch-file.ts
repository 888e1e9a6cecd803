/** The download of one export file. */
import type { Readable } from 'node:stream'
import { StokerError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { ServerWait } from '../http/http.ts'
import type { Connection } from '../server/connection.ts'
import { Download } from './download.ts'
import type { FileForm } from './form.ts'
import type { Manifest, ManifestFile } from '../export/manifest.ts'

export interface FileHooks {
  /** Told when a file is not NDJSON and is made into it; again for each form in another, and for each begin. */
  readonly onForm?: ((form: FileForm) => void) | undefined
  /** Told before a wait of some seconds or more between two tries. */
  readonly onWait?: ((wait: ServerWait) => void) | undefined
  /** Around such a wait: what the asker holds meanwhile may go to others. */
  readonly aside?: ((wait: () => Promise<void>) => Promise<void>) | undefined
  /** In place of the client's: one that knows the file. */
  readonly log?: Log | undefined
}

/**
 * Streams a file to `consume`: decompressed, and as NDJSON whatever it came as. NDJSON arrives byte for byte. A download
 * that breaks off goes on where the server can, and `consume` sees nothing of it; else `consume` gets an error, and is
 * called again with a new body from the beginning.
 * @param file its `type` keeps a Bundle, a Binary or an OperationOutcome that was asked for from being unwrapped
 * @throws StokerError BULK_FILE_EXPIRED when the address is no longer good and another one may be (signed URLs),
 *   BULK_FILE_LOST when the file is not to be had, BULK_UNREACHABLE when it did not arrive whole
 */
export async function fetchFile<T>(
  connection: Connection,
  file: Pick<ManifestFile, 'url' | 'kind'> & { readonly type?: string | undefined },
  manifest: Pick<Manifest, 'requiresAccessToken'>,
  consume: (body: Readable) => Promise<T>,
  signal: AbortSignal,
  hooks: FileHooks = {},
): Promise<T> {
  const { kind, type } = file
  const { limits, clock, http } = connection
  const url = new URL(file.url)
  const taker = { kind, type, secrets: http.secrets, consume, onForm: (form: FileForm) => hooks.onForm?.(form) }
  const download = new Download(taker, limits.attemptsMax)
  try {
    for (;;) {
      const { onWait, aside, log } = hooks
      const headers = download.headers()
      const request = { step: 'file', method: 'GET', url, headers, onWait, aside, log } as const
      const take = download.take.bind(download)
      // "SHALL NOT" be sent when requiresAccessToken is false (Bulk Data Access, "Bulk Data Output File Request").
      const sent = manifest.requiresAccessToken
        ? connection.send(request, take, signal)
        : connection.sendUnsigned(request, take, signal)
      const answer = await sent.catch((error: unknown) => {
        if (!('range' in request.headers) || statusOf(error) !== 416) throw error
        return download.startOver()
      })
      if (answer !== undefined) return answer.value
      // Each request has tries of its own, so only those that bring nothing are counted: 50 GB over a bad line arrive.
      await clock.sleep(limits.firstWaitMs, signal)
    }
  } catch (error) {
    await download.abandon(error as Error)
    throw inOtherWords(error, manifest.requiresAccessToken)
  }
}

/** Amazon S3 and Azure say 403, Google 400 or 403, the reference server 410, others 404. */
const EXPIRED_STATUSES: ReadonlySet<unknown> = new Set([403, 404, 410])

function inOtherWords(error: unknown, signed: boolean): unknown {
  if (!(error instanceof StokerError) || error.code !== 'BULK_FILE_LOST') return error
  const { message, facts, record, cause } = error
  const status = statusOf(error)
  if (EXPIRED_STATUSES.has(status)) {
    const hint =
      status === 403
        ? "its address may have expired; else check whether the file's host needs the token (tokenOrigins) or must not get it"
        : 'its address has expired, or the file is gone: its types are held back and asked for again by the next run'
    return new StokerError('BULK_FILE_EXPIRED', message, { hint, facts, record, cause })
  }
  if (status !== 400 || !signed) return error
  const hint = 'storage with signed addresses refuses a token beside them: if so, take its origin out of tokenOrigins'
  return new StokerError('BULK_FILE_LOST', message, { hint, facts, record, cause })
}

function statusOf(error: unknown): unknown {
  return error instanceof StokerError ? error.facts.status : undefined
}

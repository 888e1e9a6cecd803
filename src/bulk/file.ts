/** The bytes of an export file: decompressed, and recognised when they can't be NDJSON. */
import { PassThrough, pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { StokerError } from '../core/errors.ts'
import { BrokenBody } from './body.ts'
import { headerOf, type HttpAnswer } from './http.ts'
import type { ManifestFile } from './manifest.ts'
import { mayBeOutcome, OutcomeGuard } from './outcome-guard.ts'

export const FILE_HEADERS = { accept: 'application/fhir+ndjson', 'accept-encoding': 'gzip, deflate, br' }

/**
 * Hands the decoded body to `consume`. A body that breaks off, in transport or in its compression, becomes a
 * {@link BrokenBody}; an error of `consume`'s own (a full disk) is passed on.
 * @param kind error files are OperationOutcomes by nature; in place of any other they mean that there is no file
 */
export async function takeFile<T>(
  answer: HttpAnswer,
  kind: ManifestFile['kind'],
  consume: (body: Readable) => Promise<T>,
): Promise<T> {
  refuseHtml(answer)
  const decoder = decoderFor(answer)
  const source: Readable = decoder === undefined ? answer.body : pipeline(answer.body, decoder, () => undefined)
  // The consumer has a stream of its own to destroy: whatever fails in `source` before that is not its doing.
  const guarded = kind !== 'error' && mayBeOutcome(headerOf(answer, 'content-type'))
  const body = guarded ? new OutcomeGuard() : new PassThrough()
  let broken: Error | undefined
  source.on('error', (cause) => {
    if (body.destroyed) return
    broken = new BrokenBody(cause)
    body.destroy(broken)
  })
  body
    .once('close', () => source.destroy())
    .on('error', (error) => {
      if (error instanceof StokerError) broken ??= error
    })
  source.pipe(body)
  try {
    return await consume(body)
  } catch (error) {
    throw broken ?? error
  } finally {
    body.destroy()
  }
}

function decoderFor(answer: HttpAnswer) {
  // Of nothing there is nothing to decompress, and zlib takes it for a body cut off.
  if (headerOf(answer, 'content-length') === '0' || answer.status === 204) return undefined
  switch (headerOf(answer, 'content-encoding')?.trim().toLowerCase()) {
    case undefined:
    case '':
    case 'identity':
      return undefined
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'deflate':
      return createInflate()
    case 'br':
      return createBrotliDecompress()
    default:
      throw lost('the server compressed a file in a way nobody asked for')
  }
}

/** A login page or a proxy's error, with status 200. */
function refuseHtml(answer: HttpAnswer): void {
  const type = headerOf(answer, 'content-type') ?? ''
  if (/^text\/html\b/i.test(type)) throw lost('the server sent a web page where NDJSON should be')
}

function lost(message: string): StokerError {
  return new StokerError('BULK_FILE_LOST', message, {
    hint: "look at the file's address with the server's operator; the next run asks for it again",
  })
}

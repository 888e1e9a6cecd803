/** The bytes of an export file: decompressed, and recognised when they can't be NDJSON. */
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { StokerError } from '../core/errors.ts'
import { BrokenBody, headerOf, type HttpAnswer } from './http.ts'

export const FILE_HEADERS = { accept: 'application/fhir+ndjson', 'accept-encoding': 'gzip, deflate, br' }

/**
 * Hands the decoded body to `consume`. A body that breaks off, in transport or in its compression, becomes a
 * {@link BrokenBody}; an error of `consume`'s own (a full disk) is passed on.
 */
export async function takeFile<T>(answer: HttpAnswer, consume: (body: Readable) => Promise<T>): Promise<T> {
  refuseHtml(answer)
  const decoder = decoderFor(answer)
  if (decoder === undefined) return consume(answer.body)
  let broken: unknown
  const body = pipeline(answer.body, decoder, (error) => (broken = error ?? undefined)) as Readable
  try {
    return await consume(body)
  } catch (error) {
    if (broken !== undefined && isTransport(broken)) throw new BrokenBody(broken)
    throw error
  }
}

/** Zlib's errors and those of the connection: not the one that a consumer's own failure sends back up the pipe. */
function isTransport(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && code !== 'ERR_STREAM_PREMATURE_CLOSE' && code !== 'ABORT_ERR'
}

function decoderFor(answer: HttpAnswer) {
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
  if (/^text\/html\b/i.test(headerOf(answer, 'content-type') ?? '')) throw lost('the server sent a web page where NDJSON should be')
}

function lost(message: string): StokerError {
  return new StokerError('BULK_FILE_LOST', message, { hint: 'look at the file\'s address with the server\'s operator; the next run asks for it again' })
}

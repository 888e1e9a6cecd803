/** Small bodies, read whole: manifests, tokens, error texts. */
import { StokerError } from '../../core/errors.ts'
import type { HttpAnswer } from './http.ts'

/** A manifest of 20,000 files with signed URLs of 1 KB has 20 MB. */
const JSON_BYTES_MAX = 64 * 1024 * 1024
/** An error body is read this far; more of it would help nobody. */
const ERROR_BYTES_MAX = 64 * 1024

/**
 * The body as JSON; undefined where it is none.
 * @throws BrokenBody where it did not arrive whole
 * @throws StokerError BULK_ANSWER_TOO_LONG
 */
export async function bodyJson({ body, url }: Pick<HttpAnswer, 'body' | 'url'>): Promise<unknown> {
  const chunks: Buffer[] = []
  await collect(body, JSON_BYTES_MAX, chunks).catch((cause: unknown) => {
    throw new BrokenBody(cause)
  })
  const bytes = Buffer.concat(chunks)
  if (bytes.length >= JSON_BYTES_MAX) {
    const message = `${url.host} sent more than ${JSON_BYTES_MAX} bytes where a short answer should be`
    throw new StokerError('BULK_ANSWER_TOO_LONG', message, {
      hint: 'check baseUrl and auth.tokenUrl; ask for fewer types if it is a manifest',
      facts: { host: url.host },
    })
  }
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

/** As much of an error's body as arrives: the status was read, the words are a courtesy. */
export async function errorText(body: HttpAnswer['body']): Promise<string> {
  const chunks: Buffer[] = []
  await collect(body, ERROR_BYTES_MAX, chunks).catch(() => undefined)
  return Buffer.concat(chunks).toString('utf8')
}

/** Thrown by a taker for a body that ended wrongly: the request is sent again. */
export class BrokenBody extends Error {
  constructor(cause: unknown) {
    super('the body ended wrongly', { cause })
  }
}

/** An answer that is not what was asked for, though its status says so: it may pass by itself. Takers throw it too. */
export class OddAnswer extends Error {
  /** What it is when it does not pass. */
  readonly error: StokerError

  constructor(error: StokerError) {
    super('the answer is not what was asked for')
    this.error = error
  }
}

/** For what reads an answer: its StokerError is that of an {@link OddAnswer}. */
export function orOdd<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof StokerError ? new OddAnswer(error) : error
  }
}

async function collect(body: HttpAnswer['body'], bytesMax: number, into: Buffer[]): Promise<void> {
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    into.push(chunk)
    bytes += chunk.length
    if (bytes >= bytesMax) return
  }
}

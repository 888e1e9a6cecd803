/** The body of a request: of no more than a limit, as text or as a JSON object with fields that are known. */
import type { Context } from 'hono'
import { badRequest } from './parameters.ts'
import { Refused } from './refused.ts'

/** Of a request that says no more than a few names. */
export const SMALL_BODY_BYTES = 64 << 10

/** @throws Refused when it is larger, which may be known before it is read, or is no UTF-8 */
export async function bodyText(c: Context, bytesMax: number): Promise<string> {
  const announced = Number(c.req.header('content-length') ?? 0)
  if (announced > bytesMax) throw tooLarge(bytesMax)
  const pieces: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const piece of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += piece.byteLength
      if (bytes > bytesMax) throw tooLarge(bytesMax)
      pieces.push(piece)
    }
  } catch (error) {
    throw error instanceof Refused ? error : brokenOff(error)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(pieces))
  } catch {
    throw badRequest('the body is no UTF-8', 'send it as UTF-8')
  }
}

/** An empty body is an object without fields. */
export async function bodyObject(
  c: Context,
  known: readonly string[],
  bytesMax = SMALL_BODY_BYTES,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await bodyText(c, bytesMax)
  if (text.trim() === '') return {}
  const type = mediaType(c)
  if (type !== 'application/json') {
    throw new Refused(415, 'HTTP_MEDIA_TYPE', 'the body is not said to be JSON', {
      hint: 'send it with Content-Type: application/json',
    })
  }
  const value = parsed(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest('the body is no JSON object', 'send {"name": value}')
  const unknown = Object.keys(value).some((name) => !known.includes(name))
  if (unknown) throw badRequest('the body has a field that is not known', `known are: ${known.join(', ')}`)
  return value as Record<string, unknown>
}

export function mediaType(c: Context): string {
  return (c.req.header('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('the body is no JSON', 'check its commas and quotes')
  }
}

/** Nobody may be there any more to be told; it is no failure of ours. */
function brokenOff(cause: unknown): Refused {
  return new Refused(408, 'HTTP_BROKEN_OFF', 'the body did not come whole, or not in time', {
    retryable: true,
    hint: 'send it again',
    headers: { Connection: 'close' },
    cause,
  })
}

/** What is left of it is not read: the connection ends with the answer. */
export function tooLarge(bytesMax: number): Refused {
  return new Refused(413, 'HTTP_TOO_LARGE', `the body is larger than ${bytesMax} bytes`, {
    hint: 'send less',
    headers: { Connection: 'close' },
  })
}

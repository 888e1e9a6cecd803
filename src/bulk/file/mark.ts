/** Where a broken download may go on: what the server said of the file, and whether its next answer is of the same one. */
import { headerOf, type HttpAnswer } from '../http/http.ts'

export interface Mark {
  /** For `If-Range`: a strong ETag, or the time of the last change. */
  readonly validator: string
  /** Of the whole file; undefined until the server has said it. */
  readonly bytes: number | undefined
}

/**
 * Undefined where the server offers no resuming: no Range, nothing to know the file again by, or bytes compressed on the
 * way, which may come out otherwise the next time (RFC 9110 §13.1.5, §14).
 */
export function markOf(answer: HttpAnswer): Mark | undefined {
  const ranges = headerOf(answer, 'accept-ranges')?.trim().toLowerCase()
  if (answer.status !== 200 || isCoded(answer) || ranges === 'none') return undefined
  const validator = strongTag(answer) ?? (ranges === 'bytes' ? settledTime(answer) : undefined)
  if (validator === undefined) return undefined
  return { validator, bytes: countOf(headerOf(answer, 'content-length')) }
}

/** For a request that goes on after `from` bytes. A coding would make other bytes of them. */
export function rangeHeaders(mark: Mark, from: number): Record<string, string> {
  return { range: `bytes=${from}-`, 'if-range': mark.validator, 'accept-encoding': 'identity' }
}

/** The mark, with what the answer adds to it, where the answer goes on after exactly `from` bytes of the same file. */
export function goesOn(mark: Mark, answer: HttpAnswer, from: number): Mark | undefined {
  if (answer.status !== 206 || isCoded(answer)) return undefined
  const range = /^\s*bytes\s+(\d+)-\d+\/(\d+|\*)\s*$/i.exec(headerOf(answer, 'content-range') ?? '')
  if (range === null || Number(range[1]) !== from) return undefined
  const tag = strongTag(answer)
  if (tag !== undefined && mark.validator.startsWith('"') && tag !== mark.validator) return undefined
  const bytes = countOf(range[2])
  if (bytes !== undefined && mark.bytes !== undefined && bytes !== mark.bytes) return undefined
  return { ...mark, bytes: mark.bytes ?? bytes }
}

function isCoded(answer: HttpAnswer): boolean {
  return !['', 'identity'].includes(headerOf(answer, 'content-encoding')?.trim().toLowerCase() ?? '')
}

/** The time of the last change, if a second has passed since: only then no two versions share it (RFC 9110 §8.8.2.2). */
function settledTime(answer: HttpAnswer): string | undefined {
  const modified = headerOf(answer, 'last-modified')
  const ageMs = Date.parse(headerOf(answer, 'date') ?? '') - Date.parse(modified ?? '')
  return ageMs >= 1000 ? modified : undefined
}

function strongTag(answer: HttpAnswer): string | undefined {
  const tag = headerOf(answer, 'etag')?.trim()
  return tag !== undefined && /^"[^"]*"$/.test(tag) ? tag : undefined
}

function countOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined
}

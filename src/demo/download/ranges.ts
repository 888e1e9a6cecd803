/** Byte ranges of a file that never changes: one part a request, with a strong ETag to hold on to (RFC 9110, section 14). */
import { createHash } from 'node:crypto'
import type { Exchange } from '../exchange.ts'
import type { JobFile } from '../job/export-job.ts'
import { Refusal } from '../refusal.ts'
import type { FileBody } from './file-body.ts'

export interface Part {
  readonly status: 200 | 206
  readonly headers: Readonly<Record<string, string>>
  readonly chunks: () => AsyncGenerator<Buffer>
}

/** Sizes of bodies that were asked for before, by their ETag: a file is counted through once. */
const sizes = new WeakMap<JobFile, Map<string, number>>()

/**
 * The part that `Range` asks for, or the whole where there is no range or `If-Range` names another file.
 * @throws Refusal (412) if `If-Match` names another file, (416) for a range beyond the end.
 */
export async function askedPart(exchange: Exchange, file: JobFile, job: string, body: FileBody): Promise<Part> {
  const etag = `"${createHash('sha256').update(`${job}/${file.name}/${body.form}`).digest('base64url').slice(0, 27)}"`
  const ifMatch = exchange.header('if-match')
  if (ifMatch !== '' && ifMatch !== '*' && !ifMatch.split(',').some((each) => each.trim() === etag)) {
    throw new Refusal(412, 'conflict', 'The file is not the one that If-Match names.', { ETag: etag })
  }
  const size = await sizeOf(file, etag, body)
  const headers = { ETag: etag, 'Accept-Ranges': 'bytes' }
  const ifRange = exchange.header('if-range')
  const range = ifRange === '' || ifRange === etag ? parsedRange(exchange.header('range'), size) : undefined
  if (range === undefined) {
    return { status: 200, headers: { ...headers, 'Content-Length': String(size) }, chunks: () => body.chunks() }
  }
  const { first, last } = range
  if (first > last) {
    throw new Refusal(416, 'value', 'The file has no such bytes.', { ...headers, 'Content-Range': `bytes */${size}` })
  }
  return {
    status: 206,
    headers: {
      ...headers,
      'Content-Length': String(last - first + 1),
      'Content-Range': `bytes ${first}-${last}/${size}`,
    },
    chunks: () => between(body.chunks(), first, last),
  }
}

/** Undefined for no range, several, or one in another unit: then the whole file comes. */
function parsedRange(header: string, size: number): { first: number; last: number } | undefined {
  const [, start = '', end = ''] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? []
  if (start === '' && end === '') return undefined
  if (start === '') return { first: Math.max(0, size - Number(end)), last: size - 1 }
  return { first: Number(start), last: end === '' ? size - 1 : Math.min(Number(end), size - 1) }
}

async function sizeOf(file: JobFile, etag: string, body: FileBody): Promise<number> {
  const known = sizes.get(file) ?? new Map<string, number>()
  sizes.set(file, known)
  let size = known.get(etag)
  if (size === undefined) {
    size = 0
    for await (const chunk of body.chunks()) size += chunk.length
    known.set(etag, size)
  }
  return size
}

async function* between(chunks: AsyncIterable<Buffer>, first: number, last: number): AsyncGenerator<Buffer> {
  let position = 0
  for await (const chunk of chunks) {
    const from = Math.max(0, first - position)
    const to = Math.min(chunk.length, last + 1 - position)
    if (from < to) yield chunk.subarray(from, to)
    position += chunk.length
    if (position > last) return
  }
}

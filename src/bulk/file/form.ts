/** What came where NDJSON should be, told by its first bytes, whatever its Content-Type says. */
import { isGzip } from './coding.ts'
import { glance, type Glance } from './glance.ts'
import { outcomeInstead, webPage, xml } from './lost.ts'
import type { ManifestFile } from '../export/manifest.ts'
import type { Secrets } from '../http/secrets.ts'

/** A form that is not NDJSON and is made into it. */
export type FileForm = 'binary' | 'json-array' | 'bundle' | 'pretty-json'

export interface Expected {
  readonly kind: ManifestFile['kind']
  /** As the manifest says; a resource of this type is never taken for a wrapping. */
  readonly type?: string | undefined
  readonly contentType?: string | undefined
  /** Whether these are the bytes of a Binary: a Binary in it is no wrapping. */
  readonly unwrapped: boolean
  readonly secrets: Secrets
}

/** How far is looked for the end of the first line; NDJSON whose first line is longer passes all the same. */
const LOOK_BYTES_MAX = 1024 * 1024
/** So much JSON that goes on from one line to the next is no accident of a damaged NDJSON file. */
const PRETTY_BYTES = 64 * 1024

const LINE_FEED = 0x0a
const OBJECT = 0x7b
const ARRAY = 0x5b
const MARKUP = 0x3c

/**
 * The form of a file by its `head`; undefined while more bytes are needed.
 *
 * NDJSON is told from other JSON by its first line: where this is a whole JSON value, it is NDJSON (a lone Bundle, Binary
 * or OperationOutcome apart). Damaged NDJSON is NDJSON: its lines become rejects, with their places.
 * @param whole there is no more than `head`
 * @throws StokerError BULK_FILE_LOST for what holds no resources
 */
export function formOf(head: Buffer, whole: boolean, file: Expected): FileForm | 'ndjson' | 'gzip' | undefined {
  const full = whole || head.length >= LOOK_BYTES_MAX
  if (head.length < 3 && !whole) return undefined
  if (isGzip(head)) return 'gzip'
  const start = textStart(head)
  const first = head[start]
  if (first === undefined) return full ? 'ndjson' : undefined
  if (first === OBJECT) return objectForm(head, start, whole, file)
  if (first === MARKUP) return markup(head, start, whole)
  if (first === ARRAY) {
    const second = head[blanksEnd(head, start + 1)]
    if (second === undefined) return full ? 'ndjson' : undefined
    return second === OBJECT || second === 0x5d ? 'json-array' : 'ndjson'
  }
  if (/^text\/html\b/i.test(file.contentType ?? '')) throw webPage()
  return 'ndjson'
}

/** After a byte order mark and blank lines (HAPI sends one). */
function textStart(head: Buffer): number {
  const hasMark = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf
  return blanksEnd(head, hasMark ? 3 : 0)
}

function blanksEnd(head: Buffer, from: number): number {
  let i = from
  while (head[i] === LINE_FEED || head[i] === 0x20 || head[i] === 0x0d || head[i] === 0x09) i += 1
  return i
}

const MARKUP_LOOK_BYTES = 1024

function markup(head: Buffer, start: number, whole: boolean): undefined {
  if (!whole && head.length - start < MARKUP_LOOK_BYTES) return undefined
  const text = head.toString('latin1', start, start + MARKUP_LOOK_BYTES)
  throw /<(!doctype\s+html|html|head|body|title)\b/i.test(text) ? webPage() : xml()
}

function objectForm(head: Buffer, start: number, whole: boolean, file: Expected): FileForm | 'ndjson' | undefined {
  const full = whole || head.length >= LOOK_BYTES_MAX
  const lineFeed = head.indexOf(LINE_FEED, start)
  if (lineFeed === -1 && !full) return undefined
  const lineEnd = lineFeed === -1 ? head.length : lineFeed
  const line = head.subarray(start, lineEnd)
  if (isJson(line)) {
    const wrapping = () => wrappingOf(glance(line, 0), () => line.toString('utf8'), file)
    const isAlone = blanksEnd(head, lineEnd) === head.length
    if (!isAlone) return 'ndjson'
    if (full) return wrapping() ?? 'ndjson'
    // Whether another line follows matters only to what may be a wrapping.
    return mayWrap(glance(line, 0), file) ? undefined : 'ndjson'
  }
  // A damaged line that is the only one.
  if (lineFeed === -1 && whole) return 'ndjson'
  if (!full && head.length < PRETTY_BYTES) return undefined
  return longForm(head, start, whole, file, lineFeed)
}

/** Of what goes beyond its first line, or has a first line that is very long. */
function longForm(
  head: Buffer,
  start: number,
  whole: boolean,
  file: Expected,
  lineFeed: number,
): FileForm | 'ndjson' | undefined {
  const found = glance(head, start)
  // Also where its first line holds a value and more.
  if (found.state === 'wrong' || (found.state === 'whole' && found.end <= lineFeed)) return 'ndjson'
  if (found.state === 'open' && whole && hasResourceLine(head, start)) return 'ndjson'
  const text = () => (whole ? head.toString('utf8', start) : undefined)
  const wrapping = wrappingOf(found, text, file)
  if (wrapping !== undefined) return wrapping
  if (found.resourceType === undefined && found.state === 'open' && !whole && head.length < LOOK_BYTES_MAX) {
    return undefined
  }
  return lineFeed !== -1 ? 'pretty-json' : 'ndjson'
}

function mayWrap({ resourceType }: Glance, { kind, type }: Expected): boolean {
  switch (resourceType) {
    case type:
      return false
    case 'Bundle':
      return kind !== 'deleted'
    case 'OperationOutcome':
      return kind !== 'error'
    default:
      return resourceType === 'Binary'
  }
}

function wrappingOf(found: Glance, text: () => string | undefined, file: Expected): FileForm | undefined {
  const { data, contentType = '' } = found
  const isBundle = found.resourceType === undefined && found.hasEntries
  // No other resource has a `data` that is text.
  const isBinary = found.resourceType === undefined && data !== undefined
  const resourceType = isBundle ? 'Bundle' : isBinary ? 'Binary' : found.resourceType
  if (!mayWrap({ ...found, resourceType }, file)) return undefined
  if (resourceType === 'Bundle') return 'bundle'
  if (resourceType === 'OperationOutcome') throw outcomeInstead(text(), file.secrets)
  const wraps = /ndjson/i.test(contentType) || (data !== undefined && beginsAsFile(data))
  return wraps && !file.unwrapped ? 'binary' : undefined
}

/** Whether base64 begins as JSON or gzip do: a patient's own Binary is a picture, a PDF or a letter. */
function beginsAsFile(base64: string): boolean {
  const head = Buffer.from(
    base64.replace(/\\[nr/]/g, (escaped) => (escaped === '\\/' ? '/' : '')),
    'base64',
  )
  return isGzip(head) || head[textStart(head)] === OBJECT
}

/** Of a JSON text cut off or damaged near its end: whether one of its further lines is a resource by itself. */
function hasResourceLine(head: Buffer, start: number): boolean {
  for (let from = head.indexOf(LINE_FEED, start) + 1; from > 0; from = head.indexOf(LINE_FEED, from) + 1) {
    const end = head.indexOf(LINE_FEED, from)
    const line = head.subarray(from, end === -1 ? head.length : end)
    if (line[0] === OBJECT && isJson(line) && glance(line, 0).resourceType !== undefined) return true
  }
  return false
}

function isJson(line: Buffer): boolean {
  try {
    JSON.parse(line.toString('utf8'))
    return true
  } catch {
    return false
  }
}

/** Lines put into the forms that files come in, as a stream: no form needs the whole file. */
import type { FileBehaviour } from '../behaviour/file-behaviour.ts'
import { resourceOf } from './line-texts.ts'

const CHUNK_LENGTH = 256 << 10

type Texts = AsyncIterable<string>

export async function* ndjson(lines: Texts, { lineEnds, bom, finalLineEnd }: FileBehaviour): AsyncGenerator<string> {
  const lineEnd = lineEnds === 'crlf' ? '\r\n' : '\n'
  let isFirst = true
  for await (const line of lines) {
    yield isFirst ? `${bom ? '\uFEFF' : ''}${line}` : `${lineEnd}${line}`
    isFirst = false
  }
  if (!isFirst && finalLineEnd) yield lineEnd
}

/** One JSON array of the resources. */
export async function* jsonArray(lines: Texts): AsyncGenerator<string> {
  let before = '['
  for await (const line of lines) {
    if (resourceOf(line) === undefined) continue
    yield `${before}${line}`
    before = ',\n'
  }
  yield before === '[' ? '[]\n' : ']\n'
}

/** A collection Bundle as somebody would read it: every element on a line of its own. */
export async function* bundle(lines: Texts): AsyncGenerator<string> {
  yield '{\n  "resourceType": "Bundle",\n  "type": "collection",\n  "entry": ['
  let before = '\n'
  for await (const line of lines) {
    const resource = resourceOf(line)
    if (resource === undefined) continue
    yield `${before}    ${JSON.stringify({ resource }, null, 2).replaceAll('\n', '\n    ')}`
    before = ',\n'
  }
  yield '\n  ]\n}\n'
}

/** A Binary resource with the bytes as base64. */
export async function* base64Binary(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield Buffer.from('{"resourceType":"Binary","contentType":"application/fhir+ndjson","data":"')
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    // Three bytes are four characters; what is left over waits for its neighbours.
    const whole = bytes.length - (bytes.length % 3)
    if (whole > 0) yield Buffer.from(bytes.toString('base64', 0, whole))
    rest = bytes.subarray(whole)
  }
  yield Buffer.from(`${rest.toString('base64')}"}`)
}

/** Texts as bytes, in chunks of moderate size. */
export async function* gathered(texts: Texts | Iterable<string>): AsyncGenerator<Buffer> {
  let waiting = ''
  for await (const text of texts) {
    waiting += text
    if (waiting.length < CHUNK_LENGTH) continue
    yield Buffer.from(waiting)
    waiting = ''
  }
  if (waiting !== '') yield Buffer.from(waiting)
}

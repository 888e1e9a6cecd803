/** From the bytes of a file's body to NDJSON: decoded by what they are, recognised, and turned where they must be. */
import { pipeline, type Transform } from 'node:stream'
import streamJson from 'stream-json/parser.js'
import { StokerError } from '../../core/errors.ts'
import { BrokenBody } from '../http/body.ts'
import { BinaryData } from './binary.ts'
import { decoderFor, gunzip } from './coding.ts'
import { formOf, type Expected, type FileForm } from './form.ts'
import { JsonLines } from './json-lines.ts'
import { notJson } from './lost.ts'
import { Opening } from './opening.ts'
import { Utf8Check } from './utf8.ts'

export interface BodyFacts extends Expected {
  /** Still on it, the one applied last at the end. */
  readonly codings: readonly string[]
  /** Whether gzip that no header names was taken off: an archive in an archive is no export file. */
  readonly unzipped: boolean
}

/**
 * The NDJSON of `body`, once it is known what it is; `body` itself where it is that already, byte for byte. What breaks
 * ends the stream with a {@link BrokenBody}, or with BULK_FILE_LOST where a second try would bring the same.
 * @throws StokerError BULK_FILE_LOST for what can not be made into NDJSON
 */
export async function ndjsonOf(body: Opening, facts: BodyFacts, onForm: (form: FileForm) => void): Promise<Opening> {
  const { codings } = facts
  const coding = codings.at(-1)
  const found = await body.look((head, whole) => {
    const decoder = coding === undefined ? 'plain' : decoderFor(coding, head, whole)
    return decoder === 'plain' ? formOf(head, whole, facts) : decoder
  })
  if (typeof found === 'function') {
    return ndjsonOf(through(body, [found()]), { ...facts, codings: codings.slice(0, -1) }, onForm)
  }
  const plain = { ...facts, codings: [] }
  switch (found) {
    case 'ndjson':
      return body
    case 'gzip':
      return facts.unzipped ? body : ndjsonOf(through(body, [gunzip()]), { ...plain, unzipped: true }, onForm)
    case 'binary': {
      onForm(found)
      // A Binary's content has a type of its own, and what the answer says of it is said of the wrapping.
      const content = { ...plain, contentType: undefined, unzipped: false, unwrapped: true }
      const tokens = streamJson.asStream({ ...TOKENS, packStrings: false, streamStrings: true })
      return ndjsonOf(through(body, [new Utf8Check(), tokens, new BinaryData()]), content, onForm)
    }
    default: {
      onForm(found)
      const tokens = streamJson.asStream({ ...TOKENS, jsonStreaming: found !== 'json-array' })
      return through(body, [new Utf8Check(), tokens, new JsonLines(found)])
    }
  }
}

const TOKENS = { packValues: true, streamValues: false, readableHighWaterMark: 1024 } as const

/** Their way out of `body`, in a stream that belongs to the next reader alone. */
function through(body: Opening, stages: readonly NodeJS.ReadWriteStream[]): Opening {
  const out = new Opening()
  const last = stages.at(-1) as Transform
  // Errors come by way of `last`: a pipeline destroys all its parts with the error of the first that fails.
  pipeline([body, ...stages], () => undefined)
  out.feed(last).then(
    () => out.finish(),
    (error: unknown) => out.fail(failureOf(body.failure ?? error)),
  )
  return out
}

function failureOf(error: unknown): Error {
  if (error instanceof StokerError || error instanceof BrokenBody) return error
  // stream-json throws plain errors, and its message quotes nothing; zlib's have a code.
  return (error as { code?: unknown }).code === undefined ? notJson(error) : new BrokenBody(error)
}

/** The bytes of one file, from a stream to a whole staged file on disk. */
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FILE_MODE, makeFolder, settle } from '../core/durable.ts'
import { LineMeter, type LineFacts } from './line-meter.ts'

export interface StageOptions {
  /** Called with the number of (decompressed) bytes so far, once per chunk. */
  readonly onBytes?: (bytes: number) => void
  readonly signal?: AbortSignal
}

/**
 * Streams `body` to `path`. An interruption leaves `path.part` at most, which the next attempt writes over: a file
 * under its final name is whole.
 */
export async function stage(body: Readable, path: string, options: StageOptions = {}): Promise<LineFacts> {
  await makeFolder(dirname(path))
  const part = `${path}.part`
  await rm(part, { force: true })
  const meter = new LineMeter()
  let bytes = 0
  const watch = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      options.onBytes?.(bytes)
      done(null, chunk)
    },
  })
  const file = createWriteStream(part, { mode: FILE_MODE, highWaterMark: 1 << 20 })
  await pipeline([body, watch, meter, file], options.signal === undefined ? {} : { signal: options.signal })
  await settle(part, path)
  return meter.facts
}

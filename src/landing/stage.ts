/** The bytes of one file, from a stream to a whole staged file on disk. */
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FILE_MODE, makeFolder, settle } from '../core/durable.ts'
import { LineMeter, type LineFacts } from './line-meter.ts'

export interface StageOptions {
  /** Called once per chunk with the bytes (decompressed) and lines so far. */
  readonly onProgress?: ((bytes: number, lines: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Streams `body` to `path`. An interruption leaves `path.part` at most, which the next attempt writes over: a file
 * under its final name is whole.
 */
export async function stage(body: Readable, path: string, options: StageOptions = {}): Promise<LineFacts> {
  await makeFolder(dirname(path))
  const part = `${path}.part`
  await rm(part, { force: true })
  const meter = new LineMeter(options.onProgress)
  const file = createWriteStream(part, { mode: FILE_MODE, highWaterMark: 1 << 20 })
  await pipeline([body, meter, file], options.signal === undefined ? {} : { signal: options.signal })
  await settle(part, path)
  return meter.facts
}

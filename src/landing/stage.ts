/** The bytes of one file, from a stream to a whole staged file on disk. */
import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { FILE_MODE, makeFolder, settle } from '../core/durable.ts'
import { ofFile } from '../core/system-error.ts'
import { LineMeter, type LineFacts } from './line-meter.ts'

export interface StageOptions {
  /** Called once per chunk with the bytes (decompressed) and lines so far. */
  readonly onProgress?: ((bytes: number, lines: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
  /** Called with the bytes about to be written; what it throws ends the download. See `DiskGuard.writing`. */
  readonly onWriting?: ((bytes: number) => Promise<void> | undefined) | undefined
}

/**
 * Streams `body` to `path`. A file under its final name is whole. An error takes back what was written, for the disk may
 * be full; a killed process leaves `path.part`, which the next attempt writes over.
 */
export async function stage(body: Readable, path: string, options: StageOptions = {}): Promise<LineFacts> {
  await makeFolder(dirname(path))
  const part = `${path}.part`
  await rm(part, { force: true })
  const meter = new LineMeter(options.onProgress)
  const file = createWriteStream(part, { mode: FILE_MODE, highWaterMark: 1 << 20 })
  const { signal, onWriting } = options
  const steps = onWriting === undefined ? [body, meter, file] : [body, meter, watched(onWriting), file]
  try {
    await pipeline(steps, signal === undefined ? {} : { signal })
    await settle(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw ofFile(error, path)
  }
  return meter.facts
}

function watched(onWriting: NonNullable<StageOptions['onWriting']>): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const looking = onWriting(chunk.length)
      if (looking === undefined) done(null, chunk)
      else looking.then(() => done(null, chunk), done)
    },
  })
}

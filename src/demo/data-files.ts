/** The NDJSON files of a data folder, opened once and read by byte position. */
import { open, type FileHandle } from 'node:fs/promises'
import { StokerError } from '../core/errors.ts'

export interface FileSpan {
  /** Number that `DataFiles.add` gave the file. */
  readonly file: number
  readonly offset: number
  readonly length: number
}

export class DataFiles {
  readonly #handles: FileHandle[] = []

  /** Opens `path` for reading and gives it a number. */
  async add(path: string): Promise<number> {
    return this.#handles.push(await open(path, 'r')) - 1
  }

  async read(span: FileSpan): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(span.length)
    for (let done = 0; done < span.length;) {
      const { bytesRead } = await this.#handle(span).read(bytes, done, span.length - done, span.offset + done)
      if (bytesRead === 0) {
        throw new StokerError('DEMO_DATA_CHANGED', 'A file of the data folder became shorter while it was served.', {
          hint: 'Leave the files of the data folder as they are while the demo server runs.',
        })
      }
      done += bytesRead
    }
    return bytes
  }

  async close(): Promise<void> {
    await Promise.all(this.#handles.splice(0).map((handle) => handle.close()))
  }

  #handle(span: FileSpan): FileHandle {
    const handle = this.#handles[span.file]
    if (handle === undefined) throw new StokerError('DEMO_STOPPED', 'The demo server has closed its data files.')
    return handle
  }
}

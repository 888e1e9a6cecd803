/** A text file written line by line, beside its final name, which it gets when it is whole. */
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { FILE_MODE, settle } from '../core/durable.ts'
import { ofFile } from '../core/system-error.ts'

export class LineFile {
  private readonly path: string
  private readonly out: WriteStream
  private failure: Error | undefined

  constructor(path: string) {
    this.path = path
    this.out = createWriteStream(this.part, { mode: FILE_MODE })
    // A full disk is told between two lines, while nobody waits for this stream: unheard, it would end the process.
    this.out.on('error', (error) => (this.failure = ofFile(error, path) as Error))
  }

  /** @throws the system's error for this line or one before it */
  async add(line: string): Promise<void> {
    if (this.failure === undefined && !this.out.write(`${line}\n`)) await once(this.out, 'drain')
    if (this.failure !== undefined) throw this.failure
  }

  async settle(): Promise<void> {
    this.out.end()
    await finished(this.out)
    await settle(this.part, this.path)
  }

  /** Takes back what was written: the disk may be full. */
  async discard(): Promise<void> {
    this.out.destroy()
    await finished(this.out).catch(() => undefined)
    await rm(this.part, { force: true })
  }

  private get part(): string {
    return `${this.path}.part`
  }
}

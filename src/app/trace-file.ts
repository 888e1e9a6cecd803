/** The trace of a source's requests and answers, for a vendor's support desk: lines added to a file of its own. */
import { closeSync, openSync, writeSync } from 'node:fs'
import type { Trace } from '../bulk/http/trace.ts'
import { FILE_MODE } from '../core/durable.ts'

export class TraceFile implements Trace {
  private readonly path: string
  private file: number | undefined

  constructor(path: string) {
    this.path = path
  }

  /** A line an exchange, and few of them: what was written is in the file, whatever becomes of the process. */
  write(line: string): void {
    this.file ??= openSync(this.path, 'a', FILE_MODE)
    writeSync(this.file, line)
  }

  close(): void {
    if (this.file !== undefined) closeSync(this.file)
    this.file = undefined
  }
}

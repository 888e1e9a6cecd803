/** A file that others read while we add lines to it: private, and opened anew for each, so that it may be moved away. */
import { closeSync, fdatasyncSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { FILE_MODE, FOLDER_MODE } from '../core/durable.ts'

export class LineFile {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /**
   * Whatever becomes of the process, what was added is in the file; with `sync`, whatever becomes of the machine. The half
   * line that a full disk or a power cut left is ended first.
   * @throws what the system says of the file or its folder
   */
  add(text: string, sync = false): void {
    mkdirSync(dirname(this.path), { recursive: true, mode: FOLDER_MODE })
    const file = openSync(this.path, 'a+', FILE_MODE)
    try {
      writeSync(file, `${endsInside(file) ? '\n' : ''}${text}\n`)
      if (sync) fdatasyncSync(file)
    } finally {
      closeSync(file)
    }
  }
}

const NEWLINE = 0x0a

function endsInside(file: number): boolean {
  const { size } = fstatSync(file)
  const last = Buffer.alloc(1)
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE
}

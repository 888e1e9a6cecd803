/** Events that wait for their endpoint: one file each, in a folder of the lake, so that a crash loses none. */
import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, writeWhole } from '../../core/durable.ts'
import type { Log } from '../../core/log.ts'

export interface SpoolOptions {
  readonly folder: string
  readonly log: Log
  /** Of all that waits: beyond them the oldest events go. */
  readonly filesMax?: number
  readonly bytesMax?: number
}

/** Two events a run: years of nights, or months of hours. */
const FILES_MAX = 10_000
const BYTES_MAX = 256 << 20

const NAME = /^[\w-]+\.json$/

export class Spool {
  private readonly options: SpoolOptions
  /** By name, in the order they are delivered in. One look for all who ask at first: a second one would forget what came. */
  private waiting: Promise<Map<string, number>> | undefined
  /** Events that were given up, since the process began. */
  dropped = 0

  constructor(options: SpoolOptions) {
    this.options = options
  }

  /** Durable when it resolves. What is there under that name is replaced. */
  async put(name: string, text: string): Promise<void> {
    const waiting = await this.look()
    const file = `${name}.json`
    await writeWhole(this.path(file), text)
    const isLast = !waiting.has(file) && [...waiting.keys()].every((other) => other < file)
    waiting.set(file, Buffer.byteLength(text))
    if (!isLast) this.waiting = Promise.resolve(sorted(waiting))
    await this.keepWithinLimits()
  }

  async first(): Promise<{ readonly file: string; readonly text: string } | undefined> {
    for (const file of (await this.look()).keys()) {
      try {
        return { file, text: await readFile(this.path(file), 'utf8') }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
        ;(await this.look()).delete(file)
      }
    }
    return undefined
  }

  async count(): Promise<number> {
    return (await this.look()).size
  }

  async remove(file: string): Promise<void> {
    await rm(this.path(file), { force: true })
    ;(await this.look()).delete(file)
  }

  /** @param why for the log: nothing of the event, nothing of an answer */
  async drop(file: string, why: Readonly<Record<string, unknown>>): Promise<void> {
    await this.remove(file)
    this.dropped += 1
    this.options.log.warn({ ...why, event: file, dropped: this.dropped }, 'an OpenLineage event is dropped')
  }

  private async keepWithinLimits(): Promise<void> {
    const { filesMax = FILES_MAX, bytesMax = BYTES_MAX } = this.options
    const waiting = await this.look()
    let bytes = [...waiting.values()].reduce((sum, each) => sum + each, 0)
    for (const [file, size] of waiting) {
      if (waiting.size <= 1 || (waiting.size <= filesMax && bytes <= bytesMax)) return
      bytes -= size
      await this.drop(file, { reason: 'too many wait' })
    }
  }

  private look(): Promise<Map<string, number>> {
    this.waiting ??= this.files().catch((error: unknown) => {
      this.waiting = undefined
      throw error
    })
    return this.waiting
  }

  private async files(): Promise<Map<string, number>> {
    const { folder } = this.options
    await makeFolder(folder)
    const files = (await readdir(folder)).filter((name) => NAME.test(name))
    const sizes = await Promise.all(files.map(async (file) => [file, (await stat(this.path(file))).size] as const))
    return sorted(sizes)
  }

  private path(file: string): string {
    return join(this.options.folder, file)
  }
}

function sorted(files: Iterable<readonly [string, number]>): Map<string, number> {
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Room on a disk: how much is free, and a guard that stops whoever writes before less than a minimum would be. */
import { statfs } from 'node:fs/promises'
import type { Clock } from './clock.ts'
import { StokerError } from './errors.ts'

/** All writers together; one look costs some microseconds, and four downloads write at most some 400 MB/s. */
const LOOK_BYTES = 8 << 20
/** While DuckDB writes, which tells nobody how much. */
const LOOK_MS = 500

export interface DiskGuardOptions {
  /** A folder on the disk. */
  readonly path: string
  /** What must stay free; 0 turns all checks off, for a file system that does not know how much it has. */
  readonly minimumFreeBytes: number
  readonly clock: Clock
  readonly freeBytes?: (path: string) => Promise<number>
}

export class DiskGuard {
  private readonly options: DiskGuardOptions
  private writtenBytes = 0

  constructor(options: DiskGuardOptions) {
    this.options = options
  }

  /** Bytes that may be written before the minimum is reached, never below 0; Infinity when nothing is checked. */
  async room(): Promise<number> {
    const { minimumFreeBytes } = this.options
    return minimumFreeBytes === 0 ? Infinity : Math.max(0, (await this.free()) - minimumFreeBytes)
  }

  /**
   * @param what is to be done, as in "no room for …"
   * @param bytes that it needs, about
   * @throws StokerError DISK_LOW when less than the minimum would stay free
   */
  async require(what: string, bytes = 0): Promise<void> {
    const { minimumFreeBytes, path } = this.options
    if (minimumFreeBytes === 0) return
    const free = await this.free()
    if (free - bytes >= minimumFreeBytes) return
    const needs = bytes > 0 ? `; it needs about ${sizeText(bytes)}` : ''
    throw new StokerError(
      'DISK_LOW',
      `no room for ${what}: ${sizeText(free)} are free in ${path}, of which minimumFreeDisk keeps ${sizeText(minimumFreeBytes)}${needs}`,
      {
        retryable: true,
        hint: 'free space there, move the lake to a larger disk, or lower minimumFreeDisk; then run the same command again: it goes on where it stopped',
        facts: { path, freeBytes: free, minimumFreeBytes, neededBytes: Math.round(bytes) },
      },
    )
  }

  /**
   * To be called with the size of each piece before it is written; looks at the disk now and then.
   * @returns undefined, or what is to be waited for, which throws as {@link require} does
   */
  writing(what: string, bytes: number): Promise<void> | undefined {
    this.writtenBytes += bytes
    if (this.writtenBytes < LOOK_BYTES) return undefined
    this.writtenBytes = 0
    return this.require(what)
  }

  /** Runs `work` and looks at the disk meanwhile: its signal aborts, with DISK_LOW for a reason, when that runs low. */
  async watch<T>(what: string, signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const low = new AbortController()
    const over = new AbortController()
    const looking = this.lookOn(what, low, over.signal)
    try {
      return await work(signal === undefined ? low.signal : AbortSignal.any([signal, low.signal]))
    } finally {
      over.abort()
      await looking
    }
  }

  private async lookOn(what: string, low: AbortController, over: AbortSignal): Promise<void> {
    if (this.options.minimumFreeBytes === 0) return
    try {
      for (;;) {
        await this.options.clock.sleep(LOOK_MS, over)
        await this.require(what)
      }
    } catch (error) {
      if (!over.aborted) low.abort(error)
    }
  }

  private free(): Promise<number> {
    const { path, freeBytes = freeDiskBytes } = this.options
    return freeBytes(path)
  }
}

/** What a user without special rights may still write; Infinity where the file system does not say. */
export async function freeDiskBytes(path: string): Promise<number> {
  const { bavail, bsize, blocks } = await statfs(path)
  return blocks === 0 ? Infinity : bavail * bsize
}

/** As sizes are written in the configuration: 1.5GB. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000
  return `${value < 10 && unit > 0 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value)}${units[unit]}`
}

/** The worker's pulse: that it lives, what memory it takes, and whether the lake's disk has room for a run. */
import type { Clock } from '../core/clock.ts'
import { freeDiskBytes, sizeText, type DiskGuard } from '../core/disk-space.ts'
import type { Log } from '../core/log.ts'
import type { Heartbeat } from './control.ts'
import { errorFacts } from './error-facts.ts'
import { Repeating } from './repeating.ts'

const BEAT_MS = 10_000
/** Of the machine's, or the container's, memory: beyond it the process may be killed at any moment. */
const MEMORY_SHARE_MAX = 0.9

export interface PulseOptions {
  readonly clock: Clock
  readonly log: Log
  /** A folder on the lake's disk. */
  readonly path: string
  /** By the configuration in force. */
  readonly disk: () => Pick<DiskGuard, 'room'>
  readonly machineBytes: number
  readonly onBeat: (heartbeat: Heartbeat) => void
  readonly rss?: () => number
  readonly freeBytes?: (path: string) => Promise<number>
}

export class Pulse extends Repeating {
  private readonly options: PulseOptions
  private last: Heartbeat
  private isMemoryLow = false

  constructor(options: PulseOptions) {
    super('heartbeat', options.clock, async () => {
      await this.beat()
      return BEAT_MS
    })
    this.options = options
    this.last = { at: options.clock.now(), rss: 0, diskFree: Infinity, hasRoom: true }
  }

  /** The newest; before the first look the disk is taken to have room. */
  get heartbeat(): Heartbeat {
    return this.last
  }

  /** Looks now. A file system that does not answer counts as one with room: whoever writes will be told. */
  async beat(): Promise<void> {
    const { clock, log, path, disk, onBeat, rss = processRss, freeBytes = freeDiskBytes } = this.options
    let diskFree = this.last.diskFree
    let hasRoom = true
    try {
      diskFree = await freeBytes(path)
      hasRoom = (await disk().room()) > 0
    } catch (error) {
      log.warn(errorFacts(error), 'the free space of the disk can not be read')
    }
    if (hasRoom !== this.last.hasRoom) {
      const facts = { free: diskFree, path }
      if (hasRoom) log.info(facts, 'the disk has room again: runs begin')
      else log.warn(facts, `no room on the disk (${sizeText(diskFree)} are free): no run begins before there is some`)
    }
    this.last = { at: clock.now(), rss: rss(), diskFree, hasRoom }
    this.watchMemory()
    onBeat(this.last)
  }

  private watchMemory(): void {
    const { log, machineBytes } = this.options
    const isLow = this.last.rss > machineBytes * MEMORY_SHARE_MAX
    if (isLow && !this.isMemoryLow) {
      const facts = { rss: this.last.rss, machine: machineBytes }
      log.warn(facts, 'memory is nearly used up: lower memoryLimit, downloads or worker.sourcesAtOnce, or give more')
    }
    this.isMemoryLow = isLow
  }
}

function processRss(): number {
  return process.memoryUsage.rss()
}

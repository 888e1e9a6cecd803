/** A clock on which nobody waits: a sleep is over at once, is on record, and moves the time. */
import type { Clock } from '../../src/core/clock.ts'

export class FastClock implements Clock {
  /** Milliseconds of every sleep, oldest first. */
  readonly sleeps: number[] = []
  private nowMs = Date.parse('2026-11-21T10:00:00.000Z')

  now(): Date {
    return new Date(this.nowMs)
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (!Number.isFinite(ms)) throw new RangeError(`a sleep of ${ms} ms`)
    this.sleeps.push(ms)
    this.nowMs += ms
  }

  /** Time that goes by without anybody sleeping. */
  pass(ms: number): void {
    this.nowMs += ms
  }
}

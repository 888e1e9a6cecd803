/** A limit on tokens that were wrong, for each address they come from. */
import type { Clock } from '../core/clock.ts'

const TRIES = 10
/** So long until one more may be wrong. */
const REGAINED_MS = 6_000
const ADDRESSES_MAX = 1_000

export class FailedTries {
  private readonly clock: Clock
  /** By address: when all that failed is forgotten. */
  private readonly clearAt = new Map<string, number>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Seconds until the address may try again; 0: now. */
  waitSeconds(address: string): number {
    const left = (this.clearAt.get(address) ?? 0) - this.now()
    // The clock was put back: else the address would wait for that long.
    if (left > TRIES * REGAINED_MS) this.clearAt.delete(address)
    const ms = left > TRIES * REGAINED_MS ? 0 : left - (TRIES - 1) * REGAINED_MS
    return Math.max(0, Math.ceil(ms / 1000))
  }

  failed(address: string): void {
    const from = Math.max(this.now(), this.clearAt.get(address) ?? 0)
    this.clearAt.delete(address)
    this.clearAt.set(address, from + REGAINED_MS)
    const [oldest] = this.clearAt.keys()
    if (this.clearAt.size > ADDRESSES_MAX) this.clearAt.delete(oldest!)
  }

  private now(): number {
    return this.clock.now().getTime()
  }
}

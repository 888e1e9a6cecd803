/** A clock that is moved by hand: who sleeps wakes when the time has come, in the order of the times. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../src/core/clock.ts'

interface Sleeper {
  atMs: number
  readonly wake: () => void
}

/** So many turns of the event loop let everybody who was woken come to his next wait, as far as no disk is asked. */
const TURNS = 12

export class HandClock implements Clock {
  private nowMs: number
  private readonly sleepers = new Set<Sleeper>()

  constructor(start = '2026-11-21T10:00:00.000Z') {
    this.nowMs = Date.parse(start)
  }

  now(): Date {
    return new Date(this.nowMs)
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const leave = (then: () => void) => () => {
        this.sleepers.delete(sleeper)
        signal?.removeEventListener('abort', abort)
        then()
      }
      const sleeper: Sleeper = { atMs: this.nowMs + ms, wake: leave(resolve) }
      const abort = leave(() => reject(signal!.reason as Error))
      signal?.addEventListener('abort', abort, { once: true })
      this.sleepers.add(sleeper)
    })
  }

  /** Lets `ms` milliseconds go by, and everything that they bring about. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms
    await this.settle()
    for (;;) {
      const [next] = [...this.sleepers].sort((a, b) => a.atMs - b.atMs)
      if (next === undefined || next.atMs > untilMs) break
      this.nowMs = Math.max(this.nowMs, next.atMs)
      next.wake()
      await this.settle()
    }
    this.nowMs = untilMs
    await this.settle()
  }

  /** Somebody sets it by so much: who sleeps goes on sleeping as long as before. */
  set(ms: number): void {
    this.nowMs += ms
    for (const sleeper of this.sleepers) sleeper.atMs += ms
  }

  async settle(): Promise<void> {
    for (let i = 0; i < TURNS; i += 1) await turn()
  }
}

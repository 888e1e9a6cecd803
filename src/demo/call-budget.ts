/** How many calls the FHIR base takes in a minute, from all clients and for all jobs together. */
import type { Clock } from '../core/clock.ts'
import { Refusal } from './refusal.ts'
import { retryAfterText } from './retry-after.ts'

const MINUTE_MS = 60_000

export class CallBudget {
  readonly #clock: Clock
  /** Instants of the calls of the last minute, oldest first, without those refused. */
  #admittedMs: number[] = []
  #refusedInRow = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Counts a call. @throws Refusal (429) for one too many: after a good call with `Retry-After` in epoch milliseconds,
   * after a refused one in epoch seconds, as the reference server does.
   */
  spend(callsPerMinute: number): void {
    if (callsPerMinute === 0) return
    const nowMs = this.#clock.now().getTime()
    this.#admittedMs = this.#admittedMs.filter((ms) => ms > nowMs - MINUTE_MS)
    if (this.#admittedMs.length < callsPerMinute) {
      this.#admittedMs.push(nowMs)
      this.#refusedInRow = 0
      return
    }
    this.#refusedInRow += 1
    const waitMs = this.#admittedMs.at(-callsPerMinute)! + MINUTE_MS - nowMs
    const form = this.#refusedInRow === 1 ? 'epoch-milliseconds' : 'epoch-seconds'
    throw new Refusal(429, 'throttled', `There may be ${callsPerMinute} calls a minute.`, {
      'Retry-After': retryAfterText(form, waitMs / 1000, this.#clock)!,
    })
  }
}

/** The calls of the whole process to each host: not more a minute than it stands, and none while it asks for quiet. */
import type { Clock } from '../../core/clock.ts'
import { sleepFor } from './sleep.ts'
import { unlessAborted } from './unless-aborted.ts'

const MINUTE_MS = 60_000
/** One job's long Retry-After (Oracle: 5 hours) must not hold up the downloads of another for as long. */
const PAUSE_MS_MAX = 600_000

interface Host {
  /** When the calls of the last minute began, oldest first. */
  readonly calls: number[]
  quietUntil: number
  /** Settled when whoever came last has gone, served or not. */
  last: Promise<void>
}

export class CallBudget {
  private readonly clock: Clock
  private readonly hosts = new Map<string, Host>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /**
   * Resolves when a call may be made, in the order of asking.
   * @param host with its port, as in `URL.host`
   * @param perMinute undefined: as many as one likes; quiet is kept all the same
   */
  async take(host: string, perMinute: number | undefined, signal: AbortSignal): Promise<void> {
    const state = this.stateOf(host)
    const before = state.last
    const turn = this.wait(before, state, perMinute, signal)
    // Whoever gives up must not let the next ones pass those still before it.
    state.last = Promise.allSettled([before, turn]).then(() => undefined)
    return turn
  }

  /** Holds back all calls to the host for `ms`, ten minutes at most. */
  pause(host: string, ms: number): void {
    const state = this.stateOf(host)
    state.quietUntil = Math.max(state.quietUntil, this.clock.now().getTime() + Math.min(ms, PAUSE_MS_MAX))
  }

  private async wait(before: Promise<void>, state: Host, perMinute: number | undefined, signal: AbortSignal) {
    await unlessAborted(before, signal)
    for (;;) {
      signal.throwIfAborted()
      const now = this.clock.now().getTime()
      const { calls } = state
      // A clock that was set back would hold calls of the future against us, and a quiet without end.
      while (calls.length > 0 && (calls[0]! <= now - MINUTE_MS || calls[0]! > now)) calls.shift()
      const spent = perMinute !== undefined && calls.length >= Math.max(1, perMinute)
      const freeAt = spent ? calls[calls.length - Math.max(1, perMinute)]! + MINUTE_MS : now
      state.quietUntil = Math.min(state.quietUntil, now + PAUSE_MS_MAX)
      const ms = Math.max(freeAt, state.quietUntil) - now
      if (ms <= 0) {
        calls.push(now)
        return
      }
      await sleepFor(this.clock, ms, signal)
    }
  }

  private stateOf(host: string): Host {
    let state = this.hosts.get(host)
    if (state === undefined) {
      state = { calls: [], quietUntil: 0, last: Promise.resolve() }
      this.hosts.set(host, state)
    }
    return state
  }
}

/** Sleeping by the wall clock: a machine that was asleep itself does not sleep on when it is awake again. */
import type { Clock } from '../../core/clock.ts'

/** Timers stand still while the machine sleeps; so the clock is looked at as often as this. */
const PIECE_MS_MAX = 60_000

/** Sleeps for `ms`, or less where the clock has moved on meanwhile; ends with an AbortError as soon as `signal` aborts. */
export async function sleepFor(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  const until = clock.now().getTime() + ms
  for (let left = ms; left > 0;) {
    const piece = Math.min(left, PIECE_MS_MAX)
    await clock.sleep(piece, signal)
    // A clock that was set back must not make the wait longer than was meant.
    left = Math.min(left - piece, until - clock.now().getTime())
  }
}

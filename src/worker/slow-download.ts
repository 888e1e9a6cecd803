/** A download that brings next to nothing waits for its server: others have its place meanwhile. */
import type { Clock } from '../core/clock.ts'
import type { Place } from './places.ts'

/** A server may begin to answer late, or hang, and has minutes before it is given up: nobody else is to wait for that. */
const LOOK_MS = 10_000
/** Less than that between two looks is no work. */
const LOOK_BYTES = 128 << 10

export interface Pace {
  /** So many bytes of the file have come. */
  arrived(bytes: number): void
  /** Around a wait between two tries. */
  aside(wait: () => Promise<void>): Promise<void>
}

/**
 * Within {@link Place.during}. A slow download goes on, to the disk alone, without its place; it has it again when it has
 * ended, for what is done with the file.
 */
export function withPace<T>(
  place: Place,
  clock: Clock,
  signal: AbortSignal,
  download: (pace: Pace) => Promise<T>,
): Promise<T> {
  return place.lending(signal, async (lend) => {
    const ended = new AbortController()
    let moved = 0
    let last = 0
    let isLent = false
    let pause: Promise<void> | undefined
    const watch = async () => {
      while (!isLent) {
        moved = 0
        await clock.sleep(LOOK_MS, ended.signal)
        if (pause !== undefined) await pause
        else if (moved < LOOK_BYTES) {
          isLent = true
          lend()
        }
      }
    }
    // It ends with the download.
    watch().catch(() => undefined)
    try {
      return await download({
        arrived(bytes) {
          // One that can not go on where it broke off begins anew.
          moved += bytes < last ? bytes : bytes - last
          last = bytes
        },
        async aside(wait) {
          if (isLent) return wait()
          pause = place.aside(signal, wait).finally(() => (pause = undefined))
          return pause
        },
      })
    } finally {
      ended.abort()
    }
  })
}

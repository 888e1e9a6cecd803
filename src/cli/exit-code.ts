/** The exit codes, documented in `stoker --help`. */
import { StokerError } from '../core/errors.ts'

export const EXIT = {
  /** Everything asked for was done. */
  done: 0,
  /** An error of Stoker itself. */
  internal: 1,
  /** The command line or the configuration is wrong: nothing was begun. */
  usage: 2,
  /** Failed, and the same again will fail again. */
  failed: 3,
  /** Failed for now; run the same command again and it goes on where it stopped. */
  retry: 4,
  /** Another process holds the lake. */
  locked: 5,
  /** Committed, but the watermark of some types is held: the next run catches up. */
  held: 6,
} as const

export const EXIT_CODES_HELP = `
Exit codes:
  0  everything was done
  1  an error of Stoker itself
  2  the command line or the configuration is wrong; nothing was begun
  3  failed, and the same again will fail again
  4  failed for now: run the same command again, it goes on where it stopped
  5  another process is writing to the lake
  6  committed, but some types are held back: the next run catches up
  130, 143  stopped by SIGINT, SIGTERM: run again, it goes on where it stopped`

/** The asker's mistake, found before anything was begun. */
export function isUsage(error: StokerError): boolean {
  // A query that took too much was begun, and is no mistake of the command line.
  if (/^QUERY_(TIMEOUT|ROWS|BYTES|MEMORY|SPILL|CRASHED|BUSY)$/.test(error.code)) return false
  return (
    /^(CONFIG|VIEWS?|USAGE|LAKE|QUERY|RUNS|LINEAGE|PAST|DEMO|DATASET)_/.test(error.code) ||
    /^COHORT_(UNKNOWN|INVALID|NO_SNAPSHOT|NOT_RUN|OUT_OF_ORDER|PARAMETER|NONE)$/.test(error.code)
  )
}

export function exitCodeOf(error: unknown): number {
  if (!(error instanceof StokerError)) return EXIT.internal
  if (error.code === 'STORE_LOCKED') return EXIT.locked
  if (isUsage(error)) return EXIT.usage
  return error.retryable ? EXIT.retry : EXIT.failed
}

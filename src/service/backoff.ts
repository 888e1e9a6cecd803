/** When a source whose run failed is tried again. Pure. */

export interface BackoffInput {
  /** Runs that failed since the last one that did not, this one among them. */
  readonly failures: number
  /** Whether time may mend the error. */
  readonly retryable: boolean
  readonly now: Date
  /** The source's next time by schedule; undefined without one. */
  readonly nextAt: Date | undefined
  /** From 0 to less than 1. */
  readonly random: number
}

/** The run itself has been patient with its server for minutes before it fails. */
const FIRST_MS = 15_000
/** Also of an error that lasts: somebody may have mended its cause. */
const CAP_MS = 3_600_000
/** So much of a delay is random: sources that failed together do not come back together. */
const JITTER = 0.25

/**
 * Each delay is twice the one before, up to an hour. An error that lasts waits for the next scheduled time, or for that
 * hour if it is sooner, but no less than one that may pass; without a schedule it waits for whoever asks for the run.
 */
export function retryAt({ failures, retryable, now, nextAt, random }: BackoffInput): Date | undefined {
  const doubled = Math.min(CAP_MS, FIRST_MS * 2 ** Math.min(failures - 1, 20))
  const growing = new Date(now.getTime() + Math.round(doubled * (1 - JITTER * random)))
  if (retryable) return growing
  if (nextAt === undefined) return undefined
  const soonest = Math.min(nextAt.getTime(), now.getTime() + CAP_MS)
  return new Date(Math.max(growing.getTime(), soonest))
}

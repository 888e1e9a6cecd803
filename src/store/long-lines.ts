/** Lines so long that a DuckDB chunk of 2,048 of them is no longer small: how they pass through little memory. */
import type { Session } from './session.ts'

/** Of all lines together; the longest may be over-estimated. */
export interface LineSizes {
  readonly lines: number
  readonly bytes: number
  readonly longestBytes: number
}

/** A chunk of rows of this mean is 64 MiB, and each thread holds several: read, taken apart, gathered, compressed. */
const LONG_MEAN_BYTES = 32 << 10
/** The reader of NDJSON holds several buffers of twice the longest line for each thread. */
const LONG_LINE_BYTES = 4 << 20

/** Whether {@link oneByOne} is worth that one thread reads them: of shorter ones two are faster, and need no more memory. */
export function areLong(sizes: LineSizes): boolean {
  return meanBytes(sizes) > LONG_MEAN_BYTES || sizes.longestBytes > LONG_LINE_BYTES
}

export function meanBytes({ lines, bytes }: LineSizes): number {
  return Math.max(1, bytes / Math.max(1, lines))
}

/**
 * The same relation, its chunks passed on as they were read, one after the other, in their order: a chunk is of one buffer of
 * the NDJSON reader (16 MiB, or twice the longest line), or of one row group. DuckDB has no word for that: a positional join
 * can't be split between threads, and what it joins here has no rows. Only under {@link withoutGathering} do the chunks stay small.
 */
export function oneByOne(lines: string): string {
  return `(SELECT * EXCLUDE (nothing) FROM ${lines} AS lines POSITIONAL JOIN (SELECT NULL AS nothing WHERE false))`
}

/**
 * From now on filters and joins of this session pass small chunks on, where they would gather 2,048 rows: 2 GB of lines of
 * 1 MB. That is slower only where a great many chunks have a few rows each.
 */
export async function withoutGathering(session: Session): Promise<void> {
  await session.run('SET SESSION enable_caching_operators = false')
}

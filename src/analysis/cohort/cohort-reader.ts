/** A reader of one cohort's own: of what is alive, for a limited time. */
import { StokerError } from '../../core/errors.ts'
import type { Lake } from '../../warehouse/lake.ts'
import { SnapshotReader } from '../../warehouse/reading/reader.ts'

export interface CohortLimits {
  /** For one cohort. */
  readonly seconds: number
  /** Of the reader's own DuckDB, beside that of the database. */
  readonly memoryBytes: number
  readonly threads?: number | undefined
}

export interface CohortReading {
  readonly lake: Lake
  readonly limits: CohortLimits
  readonly signal?: AbortSignal | undefined
}

export interface CohortAsked {
  readonly cohort: string
  /** The newest where it is undefined. */
  readonly snapshot: number | undefined
  /** What to do about one that takes too long. */
  readonly tooLong?: string
}

/**
 * A DuckDB for each: whatever one cohort does to it, the next has a sound one.
 * @throws StokerError COHORT_TIME, and what the reader throws
 */
export async function withCohortReader<T>(
  { lake, limits, signal }: CohortReading,
  { cohort, snapshot, tooLong: hint = PLAN_HINT }: CohortAsked,
  work: (reader: SnapshotReader) => Promise<T>,
): Promise<T> {
  const { seconds, memoryBytes, threads } = limits
  const timeout = new AbortController()
  const tooLong = new StokerError('COHORT_TIME', `${cohort}: it took longer than ${seconds} seconds`, {
    hint,
    facts: { cohort, seconds },
  })
  const timer = setTimeout(() => timeout.abort(tooLong), seconds * 1000)
  const either = signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal])
  try {
    const reader = await SnapshotReader.open(lake, memoryBytes, { snapshot, signal: either, threads, living: true })
    try {
      return await work(reader)
    } finally {
      await reader.close()
    }
  } finally {
    clearTimeout(timer)
  }
}

const PLAN_HINT = 'look at its plan with stoker query "EXPLAIN ANALYZE …": mostly a join lacks a condition'

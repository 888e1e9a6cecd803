/** Lines → one Parquet file of the raw log, in row groups that fit in memory, however long the lines are. */
import { StokerError } from '../core/errors.ts'
import { sqlText } from '../core/sql.ts'
import { areLong, meanBytes, oneByOne, withoutGathering, type LineSizes } from './long-lines.ts'
import type { Session } from './session.ts'

export interface LineCopy {
  /** The lines as a relation. */
  readonly lines: string
  /** A SELECT over such a relation, whose rows are written. */
  readonly select: (lines: string) => string
  readonly path: string
  readonly sizes: LineSizes
  /** Text that a row group is to hold. */
  readonly rowGroupBytes: number
  /** Of zstd. */
  readonly level: number
}

/**
 * Short lines are written by all threads, long ones, and those that did not fit in memory so, a chunk after another.
 * @throws StokerError STORE_MEMORY when one chunk of them is too much; the hint says what would do
 */
export async function copyLines(session: Session, copy: LineCopy): Promise<void> {
  if (!areLong(copy.sizes)) {
    try {
      await session.run(statement(copy, copy.lines, rowGroupRows(copy)))
      return
    } catch (error) {
      if (!isMemory(error)) throw error
    }
  }
  try {
    await withoutGathering(session)
    await session.run(statement(copy, oneByOne(copy.lines), rowsOfLongest(copy)))
  } catch (error) {
    throw isMemory(error) ? memoryError(copy.sizes, error) : error
  }
}

function statement({ select, path, level }: LineCopy, lines: string, rows: number): string {
  return `COPY (${select(lines)})
    TO ${sqlText(path)} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL ${level}, ROW_GROUP_SIZE ${rows})`
}

/** A DuckDB chunk of rows is gathered whatever is asked for. */
const CHUNK_ROWS = 2_048

function rowGroupRows({ sizes, rowGroupBytes }: LineCopy): number {
  return Math.min(122_880, Math.max(CHUNK_ROWS, Math.round(rowGroupBytes / meanBytes(sizes))))
}

/** A row group ends with the chunk that reaches this, so that it is never much more, whichever lines stand together. */
function rowsOfLongest({ sizes, rowGroupBytes }: LineCopy): number {
  return Math.min(CHUNK_ROWS, Math.max(1, Math.floor(rowGroupBytes / Math.max(1, sizes.longestBytes))))
}

function isMemory(error: unknown): boolean {
  return error instanceof StokerError && error.code === 'STORE_MEMORY'
}

function memoryError(sizes: LineSizes, cause: unknown): StokerError {
  const mb = (bytes: number) => Math.ceil(bytes / 1e6)
  return new StokerError('STORE_MEMORY', `lines of up to ${mb(sizes.longestBytes)} MB do not fit in memoryLimit`, {
    hint: `set memoryLimit in the configuration to ${mb(wantedBytes(sizes))}MB or more, then run the same command again: it resumes`,
    facts: { ...sizes },
    cause,
  })
}

/** Measured: 268 MB for lines of 1 MB that do not compress, 336 of 16 MB, 805 of 64 MB. */
function wantedBytes({ longestBytes }: LineSizes): number {
  return 256e6 + 12 * longestBytes
}

/** DuckDB's words about a query, which quote nothing but the asker's own text and rows, without the paths of this machine. */
import { StokerError } from '../../core/errors.ts'
import { diskErrorOfDuckDb } from '../../core/system-error.ts'

/**
 * QUERY_FAILED with DuckDB's words, QUERY_MEMORY or QUERY_SPILL where the answer takes more than was granted, DISK_… where
 * the disk is to blame.
 * @param folders whose paths are left out, the longest first
 */
export function queryError(cause: unknown, folders: readonly string[]): StokerError {
  if (cause instanceof StokerError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  if (message.startsWith('Out of Memory Error')) return tooLarge(message, cause)
  const ofDisk = diskErrorOfDuckDb(cause)
  if (ofDisk !== undefined) return ofDisk
  const words = folders.reduce((text, folder) => text.replaceAll(`${folder}/`, '').replaceAll(folder, '.'), message)
  return new StokerError('QUERY_FAILED', words.replace(OWN_COPY, '').replace(OWN_WORDS, '').trimEnd(), {
    hint: NO_LIVING.test(words)
      ? 'here every table has what was deleted (_deleted_at); with_deleted is there where the tables are the living alone: --living'
      : '"SHOW TABLES" lists the tables, "DESCRIBE patient" the columns of one',
    // A cast that fails quotes the value.
    record: `the query failed (${KIND.exec(words)?.[0] ?? 'Error'})`,
    cause,
  })
}

/** The place of the error in a text that is ours: the asker's is inside. */
const OWN_COPY = /\n+LINE \d+: (?:\.\.\. ?)?COPY \([\s\S]*$/

const OWN_WORDS = /^Failed to extract statements: /

/** Somebody tries what a cohort or a data set asks. */
const NO_LIVING = /schema "with_deleted" does not exist/

const KIND = /^[A-Z][\w -]*?(?:Error|Exception)/

/** DuckDB's own words tell of settings that the asker can't set, and of the folder. */
function tooLarge(message: string, cause: unknown): StokerError {
  return message.includes('max_temp_directory_size')
    ? new StokerError('QUERY_SPILL', 'the query spills more to disk than it may', {
        hint: 'ask for fewer rows or columns, or group them before they are sorted or joined',
        cause,
      })
    : new StokerError('QUERY_MEMORY', 'the query needs more memory than it may use', {
        hint: 'ask for fewer rows or columns, group them before they are joined, or raise memoryLimit',
        cause,
      })
}

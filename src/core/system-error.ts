/** What the operating system says of files and disks, as errors with a way out. */
import { type ErrorFacts, StokerError } from './errors.ts'

const MEANINGS: Readonly<Record<string, readonly [code: string, what: string, hint: string]>> = {
  ENOSPC: [
    'DISK_FULL',
    'the disk is full',
    'free space there, then run the same command again: it goes on where it stopped',
  ],
  EDQUOT: [
    'DISK_FULL',
    'the disk quota is used up',
    'free space there, then run the same command again: it goes on where it stopped',
  ],
  EFBIG: [
    'DISK_FILE_LIMIT',
    'a file would be larger than this process or this file system allows',
    'raise the limit (ulimit -f), or move the lake to another file system; then run the same command again: it goes on where it stopped',
  ],
  EROFS: ['DISK_READ_ONLY', 'the file system is read-only', 'mount it writable, or choose another folder'],
  EACCES: [
    'DISK_FORBIDDEN',
    'this user may not do that',
    'check the owner and the mode of the folder, and the user Stoker runs as',
  ],
  EPERM: [
    'DISK_FORBIDDEN',
    'this user may not do that',
    'check the owner and the mode of the folder, and the user Stoker runs as',
  ],
  ENOTDIR: ['DISK_NO_FOLDER', 'a part of the path is no folder', 'check the path'],
  EEXIST: ['DISK_NO_FOLDER', 'there is a file where a folder should be', 'check the path, or move the file away'],
  ENOENT: ['DISK_MISSING', 'there is no such file or folder', 'check the path'],
  EMFILE: ['DISK_TOO_MANY', 'too many files are open', 'raise the limit of open files (ulimit -n)'],
  EIO: ['DISK_FAILING', 'the disk fails', 'look at the disk'],
}

/** What the C library calls the errors that end a writer: DuckDB has nothing but these words of them. */
const WORDS: readonly (readonly [words: string, code: string])[] = [
  ['No space left on device', 'ENOSPC'],
  ['Disk quota exceeded', 'EDQUOT'],
  ['File too large', 'EFBIG'],
  ['Read-only file system', 'EROFS'],
  ['Input/output error', 'EIO'],
]

/** A commit and a checkpoint that find no room have kinds of their own; a FATAL one has put an end to the database. */
const DUCKDB_KINDS = /^(IO|TransactionContext|FATAL|INTERNAL) Error\b/

/**
 * The same for an error of DuckDB's; undefined where no disk is to blame. Its message may quote data: of it only the path
 * is taken.
 * @param doing what was asked of it
 */
export function diskErrorOfDuckDb(error: unknown, doing?: string): StokerError | undefined {
  const message = error instanceof Error ? error.message : String(error)
  if (!DUCKDB_KINDS.test(message)) return undefined
  const errno = WORDS.find(([words]) => message.includes(words))?.[1]
  const path = /(?:file|directory) "(\/[^"\n]*)"/.exec(message)?.[1]
  return errno === undefined ? undefined : diskError(errno, { path, doing, errno }, error)
}

/** The error of a write, for which the system names no file, with its file. */
export function ofFile(error: unknown, path: string): unknown {
  const { syscall, path: named } = (error ?? {}) as NodeJS.ErrnoException
  return syscall === undefined || named !== undefined ? error : Object.assign(error as Error, { path })
}

/** A {@link StokerError} for an error of the file system, be it DuckDB's, any other error as it is. */
export function foreseen(error: unknown): unknown {
  if (error instanceof StokerError || !(error instanceof Error)) return error
  const { code, path, syscall } = error as NodeJS.ErrnoException
  if (code !== undefined && Object.hasOwn(MEANINGS, code)) return diskError(code, { path, syscall, errno: code }, error)
  return diskErrorOfDuckDb(error) ?? error
}

function diskError(errno: string, facts: ErrorFacts, cause: unknown): StokerError {
  const [code, what, hint] = MEANINGS[errno]!
  const place = facts.path === undefined ? '' : ` (${facts.path})`
  return new StokerError(code, `${what}${place}`, { retryable: code === 'DISK_FULL', hint, facts, cause })
}

/** What the operating system says of files and disks, as errors with a way out. */
import { StokerError } from './errors.ts'

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

/** A {@link StokerError} for an error of the file system, any other error as it is. */
export function foreseen(error: unknown): unknown {
  if (error instanceof StokerError || !(error instanceof Error)) return error
  const { code, path, syscall } = error as NodeJS.ErrnoException
  const meaning = code !== undefined && Object.hasOwn(MEANINGS, code) ? MEANINGS[code] : undefined
  if (meaning === undefined) return error
  const [name, what, hint] = meaning
  const place = path === undefined ? '' : ` (${path})`
  return new StokerError(name, `${what}${place}`, {
    retryable: name === 'DISK_FULL',
    hint,
    facts: { path, syscall, errno: code },
    cause: error,
  })
}

/** The one DuckDB file that holds ledger, resource index and view tables: open, sessions, transactions. */
import { DuckDBInstance } from '@duckdb/node-api'
import { chmod } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { FILE_MODE, makeFolder } from '../core/durable.ts'
import { StokerError } from '../core/errors.ts'
import { diskErrorOfDuckDb } from '../core/system-error.ts'
import { isHeldByWorker, isLocked, lockedError, WorkerFile, type Worker } from './lock.ts'
import { Session } from './session.ts'
import { clearQuerySpills, clearWorkerSpills, spillsIn, workerSpill } from './spill.ts'

interface DatabaseOptions {
  /** Path of the DuckDB file; its folder is made where it is missing. */
  readonly path: string
  /** What DuckDB may hold in memory; beyond it, it spills to `temp` beside the file. */
  readonly memoryLimitBytes: number
  readonly threads?: number | undefined
  /** For a look: nothing is made or changed, and other readers may look too. */
  readonly readOnly?: boolean
  /** What a second process is told of the one that holds the lake. */
  readonly worker?: Worker | undefined
}

/**
 * Casts between instants and dates must not depend on the operator's time zone. Memory that a statement has freed goes
 * back to the system from 8 MB on, not from 128: over 1 GB of NDJSON that took the process's peak from 1,170 to 840 MB
 * and cost no time.
 */
const SETTINGS = `
  SET GLOBAL TimeZone = 'UTC';
  SET GLOBAL allocator_flush_threshold = '8MB';
  SET GLOBAL allocator_bulk_deallocation_flush_threshold = '8MB'`

export class Database {
  readonly path: string
  private readonly instance: DuckDBInstance
  private readonly sessions = new Set<Session>()
  private workerFile: WorkerFile | undefined

  private constructor(path: string, instance: DuckDBInstance) {
    this.path = path
    this.instance = instance
  }

  /**
   * Opens the file for this process alone, and clears away what killed ones had spilled. The lock is the system's
   * (`fcntl`): it is lost as soon as anything in this process opens the same file and closes it. From here on the process
   * makes files for its owner alone; what is for others gets its mode by name.
   * @throws StokerError STORE_LOCKED when another process holds it.
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { path, readOnly = false } = options
    const folder = dirname(path)
    if (!readOnly) {
      // DuckDB makes its log and its copies as the umask says, in a folder that others may pass on their way to the snapshots.
      process.umask(0o077)
      await makeFolder(spillsIn(folder))
    }
    const settings: Record<string, string> = {
      memory_limit: `${Math.floor(options.memoryLimitBytes / 1024)}KiB`,
      temp_directory: workerSpill(folder, (opened += 1)),
      // Nothing is fetched at run time: all that is needed is built in.
      autoinstall_known_extensions: 'false',
    }
    if (readOnly) settings.access_mode = 'READ_ONLY'
    if (options.threads !== undefined) settings.threads = String(options.threads)
    const instance = await open(path, settings, readOnly)
    const database = new Database(path, instance)
    try {
      if (!readOnly) {
        await makePrivate(path)
        if (options.worker !== undefined) database.workerFile = await WorkerFile.write(folder, options.worker)
        await clearWorkerSpills(folder)
        await clearQuerySpills(folder, systemClock.now())
      }
      await database.using((session) => session.run(SETTINGS))
      return database
    } catch (error) {
      database.close()
      throw error
    }
  }

  /** What statements may spill to disk from now on, at most; what is spilled already stays. */
  async limitSpill(bytes: number): Promise<void> {
    if (!Number.isFinite(bytes)) return
    const setting = `SET GLOBAL max_temp_directory_size = '${Math.floor(bytes / 1024)}KiB'`
    // DuckDB refuses a limit below what it has spilled by now.
    await this.using((session) => session.run(setting).catch(() => undefined))
  }

  async session(): Promise<Session> {
    const session = new Session(await this.instance.connect())
    this.sessions.add(session)
    return session
  }

  /** Runs `work` on a session of its own, closed afterwards. */
  async using<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.session()
    try {
      return await work(session)
    } finally {
      this.sessions.delete(session)
      session.close()
    }
  }

  /** Runs `work` in one transaction: everything it writes is committed together, or none of it. */
  transaction<T>(work: (session: Session) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.using((session) =>
      session.interruptible(signal, async () => {
        await session.run('BEGIN TRANSACTION')
        let answer: T
        try {
          answer = await work(session)
        } catch (error) {
          await session.run('ROLLBACK').catch(() => undefined)
          throw error
        }
        signal?.throwIfAborted()
        await session.run('COMMIT')
        return answer
      }),
    )
  }

  close(): void {
    for (const session of this.sessions) session.close()
    this.sessions.clear()
    // While the lock is still ours: afterwards the file may be another worker's.
    this.workerFile?.remove()
    this.instance.closeSync()
  }
}

/** So often, and so long apart, a lock is asked for again while nobody says it is theirs: its holder is ending, or has just begun. */
const TRIES = 5
const TRY_AGAIN_MS = 200

async function open(path: string, settings: Record<string, string>, readOnly: boolean): Promise<DuckDBInstance> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await DuckDBInstance.create(path, settings)
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause)
      if (!isLocked(message)) throw openError(path, cause)
      const mayPass = !readOnly && tries < TRIES && !isHeldByWorker(dirname(path))
      if (!mayPass) throw lockedError(path, dirname(path), message, cause)
      await systemClock.sleep(TRY_AGAIN_MS)
    }
  }
}

function openError(path: string, cause: unknown): StokerError {
  const ofDisk = diskErrorOfDuckDb(cause, 'opening the database')
  if (ofDisk !== undefined) return ofDisk
  return new StokerError('STORE_UNREADABLE', `the database of the lake cannot be opened: ${path}`, {
    hint: 'check that the folder is on a local disk, writable by this user, and that the file was written by this or an older version',
    facts: { path },
    cause,
  })
}

let opened = 0

/** The file, and the log of what is not yet in it, as an earlier process may have left them. */
async function makePrivate(path: string): Promise<void> {
  for (const each of [path, `${path}.wal`]) {
    await chmod(each, FILE_MODE).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
}

/** The one DuckDB file that holds ledger, resource index and view tables: open, sessions, transactions. */
import { DuckDBInstance } from '@duckdb/node-api'
import { chmod } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { FILE_MODE, makeFolder } from '../core/durable.ts'
import { StokerError } from '../core/errors.ts'
import { Session } from './session.ts'

export interface DatabaseOptions {
  /** Path of the DuckDB file; its folder is made where it is missing. */
  readonly path: string
  /** What DuckDB may hold in memory; beyond it, it spills to `temp` beside the file. */
  readonly memoryLimitBytes: number
  readonly threads?: number | undefined
  /** For a look: nothing is made or changed, and other readers may look too. */
  readonly readOnly?: boolean
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

  private constructor(path: string, instance: DuckDBInstance) {
    this.path = path
    this.instance = instance
  }

  /**
   * Opens the file for this process alone.
   * @throws StokerError STORE_LOCKED when another process holds it.
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const folder = dirname(options.path)
    if (!options.readOnly) await makeFolder(folder)
    const settings: Record<string, string> = {
      memory_limit: `${Math.floor(options.memoryLimitBytes / 1024)}KiB`,
      temp_directory: join(folder, 'temp'),
      // Nothing is fetched at run time: all that is needed is built in.
      autoinstall_known_extensions: 'false',
    }
    if (options.readOnly) settings.access_mode = 'READ_ONLY'
    if (options.threads !== undefined) settings.threads = String(options.threads)
    try {
      const instance = await DuckDBInstance.create(options.path, settings)
      if (!options.readOnly) await chmod(options.path, FILE_MODE)
      const database = new Database(options.path, instance)
      await database.using((session) => session.run(SETTINGS))
      return database
    } catch (cause) {
      throw openError(options.path, cause)
    }
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
    this.instance.closeSync()
  }
}

function openError(path: string, cause: unknown): StokerError {
  const text = cause instanceof Error ? cause.message : String(cause)
  if (/Could not set lock on file|being used by another process/.test(text)) {
    const holder = /PID (\d+)/.exec(text)?.[1]
    return new StokerError(
      'STORE_LOCKED',
      `another process${holder === undefined ? '' : ` (PID ${holder})`} is writing to this lake`,
      {
        retryable: true,
        hint: 'wait until it ends, or stop it; readers use catalog.duckdb in the lake folder, which is never locked',
        facts: { path, holder },
        cause,
      },
    )
  }
  return new StokerError('STORE_UNREADABLE', `the database of the lake cannot be opened: ${path}`, {
    hint: 'check that the folder is on a local disk, writable by this user, and that the file was written by this or an older version',
    facts: { path },
    cause,
  })
}

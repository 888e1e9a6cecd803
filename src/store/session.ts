/** One DuckDB connection with the few calls the rest of Stoker uses. */
import type { DuckDBConnection, DuckDBResult, DuckDBValue } from '@duckdb/node-api'
import { StokerError } from '../core/errors.ts'
import { diskErrorOfDuckDb } from '../core/system-error.ts'
import { interruptOn } from './interrupt.ts'

/** Values bound to `$1, $2, …`. Instants are bound as ISO text and cast in the statement. */
export type Parameter = string | number | bigint | boolean | null

/** A row as plain JavaScript: BIGINT as number where it is safe, TIMESTAMPTZ as Date. */
export type Row = Record<string, unknown>

/** Safe to share: statements given at the same time run one after the other. */
export class Session {
  private readonly connection: DuckDBConnection
  private last: Promise<unknown> = Promise.resolve()
  private signal: AbortSignal | undefined

  constructor(connection: DuckDBConnection) {
    this.connection = connection
  }

  /** Runs one or several statements for their effect; the answer is the number of rows the last one changed. */
  async run(sql: string, parameters: readonly Parameter[] = []): Promise<number> {
    const result = await this.asking(sql, () => this.connection.run(sql, bound(parameters)))
    return result.rowsChanged
  }

  /** All rows of a statement whose answer is known to be small. */
  async rows<T extends object = Row>(sql: string, parameters: readonly Parameter[] = []): Promise<T[]> {
    const reader = await this.asking(sql, () => this.connection.runAndReadAll(sql, bound(parameters)))
    return reader.getRowObjectsJS().map((row) => plainRow(row) as T)
  }

  async first<T extends object = Row>(sql: string, parameters: readonly Parameter[] = []): Promise<T | undefined> {
    return (await this.rows<T>(sql, parameters))[0]
  }

  /** Rows of any number, a DuckDB chunk (at most 2,048 rows) in memory at a time. */
  async *stream<T extends object = Row>(sql: string, parameters: readonly Parameter[] = []): AsyncGenerator<T> {
    const result = await this.asking(sql, () => this.connection.stream(sql, bound(parameters)))
    for await (const rows of result.yieldRowObjectJs()) {
      for (const row of rows) yield plainRow(row) as T
    }
  }

  /**
   * Adds an answer, be it of another DuckDB, to a temporary table with the same types. Its values go from chunk to chunk as
   * they lie there: none becomes JavaScript's.
   * @param failure what an error of reading the answer is to the caller
   * @returns its rows
   */
  async append(temporaryTable: string, answer: DuckDBResult, failure: (error: unknown) => unknown): Promise<number> {
    return this.asking(`append to ${temporaryTable}`, async () => {
      const appender = await this.connection.createAppender(temporaryTable, 'main', 'temp')
      let rows = 0
      try {
        for (;;) {
          const chunk = await answer.fetchChunk().catch((error: unknown) => {
            throw failure(error)
          })
          if (chunk === null || chunk.rowCount === 0) break
          appender.appendDataChunk(chunk)
          rows += chunk.rowCount
        }
        appender.flushSync()
        return rows
      } finally {
        appender.closeSync()
      }
    })
  }

  /** Runs `work` while `signal` may interrupt the statement under way; no further one begins after it. */
  async interruptible<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    const quiet = interruptOn(signal, this.connection)
    this.signal = signal
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      this.signal = undefined
      quiet()
    }
  }

  /**
   * From now on what this session writes into tables lies in any order: as its threads have it, with less in memory. Never
   * for files whose order means something, not even with an ORDER BY.
   */
  async inAnyOrder(): Promise<void> {
    await this.run('SET SESSION preserve_insertion_order = false')
  }

  close(): void {
    this.connection.closeSync()
  }

  private async asking<T>(sql: string, ask: () => Promise<T>): Promise<T> {
    const turn = this.last.then(() => {
      this.signal?.throwIfAborted()
      return ask()
    })
    this.last = turn.catch(() => undefined)
    try {
      return await turn
    } catch (error) {
      this.signal?.throwIfAborted()
      throw storeError(error, sql)
    }
  }
}

function bound(parameters: readonly Parameter[]): DuckDBValue[] | undefined {
  return parameters.length === 0 ? undefined : [...parameters]
}

/** BIGINT as a number where a number holds it. Changes `row` itself. */
export function plainRow(row: Row): Row {
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'bigint' && value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) {
      row[name] = Number(value)
    }
  }
  return row
}

/**
 * DuckDB's error as ours. Its message may quote a value of the data, so only the first clause that names the kind is
 * kept in the message; the whole stays in `cause`, which is shown only when a stack trace is asked for.
 */
function storeError(cause: unknown, sql: string): StokerError {
  if (cause instanceof StokerError) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  const kind = /^([A-Z][\w -]*?(?:Error|Exception))/.exec(text)?.[1] ?? 'Error'
  const statement = sql.trimStart().split(/\s+/, 3).join(' ')
  const ofDisk = diskErrorOfDuckDb(cause, statement)
  if (ofDisk !== undefined) return ofDisk
  if (kind.startsWith('Out of Memory'))
    return text.includes("'max_temp_directory_size' setting")
      ? spillError(statement, cause)
      : memoryError(statement, cause)
  return new StokerError('STORE_FAILED', `DuckDB refused a statement (${kind}): ${statement} …`, {
    hint: 'run again with --trace to see the whole error (it may quote data), and report it',
    cause,
  })
}

function memoryError(statement: string, cause: unknown): StokerError {
  return new StokerError('STORE_MEMORY', `DuckDB ran out of the configured memory in: ${statement} …`, {
    hint: 'raise memoryLimit in the configuration, or lower threads, then run the same command again: it resumes',
    cause,
  })
}

function spillError(statement: string, cause: unknown): StokerError {
  return new StokerError('DISK_LOW', `no room for what DuckDB spills to disk in: ${statement} …`, {
    retryable: true,
    hint: 'free space on the disk of the lake, or raise memoryLimit, so that less is spilled; then run the same command again: it goes on where it stopped',
    cause,
  })
}

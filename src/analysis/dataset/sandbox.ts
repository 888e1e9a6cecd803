/** A DuckDB of its own for one data set: the analyst's SELECTs see the snapshot's tables, and reach and change nothing else. */
import {
  BIGINT,
  DuckDBInstance,
  DuckDBTimestampTZValue,
  listValue,
  type DuckDBConnection,
  type DuckDBResult,
  type DuckDBValue,
} from '@duckdb/node-api'
import { StokerError } from '../../core/errors.ts'
import { sqlText } from '../../core/sql.ts'
import { diskErrorOfDuckDb } from '../../core/system-error.ts'
import { interruptOn } from '../../store/interrupt.ts'
import { Session } from '../../store/session.ts'
import { defineTables, type CatalogTable } from '../../warehouse/snapshot/catalog.ts'
import { livingTables } from '../../warehouse/snapshot/living.ts'
import type { DatasetSelect, ParameterValue } from './definition.ts'

export interface SandboxOptions {
  readonly memoryLimitBytes: number
  /** A private folder for what does not fit into memory. */
  readonly spill: string
  readonly signal?: AbortSignal | undefined
}

/** What a SELECT's parameters stand for: the definition's, and instants of ours. */
export type Parameters = Readonly<Record<string, ParameterValue | Date>>

interface PerformedSelect {
  readonly select: DatasetSelect
  /** Names of the parameters it has. */
  readonly parameters: readonly string[]
}

/** Ours, which a SELECT of the analyst can't name: see select-syntax.ts. */
export const SET = 'stoker_set'

/**
 * One thread, rows in order: a sum of decimals depends on the order of its parts, and the same data set must have the same
 * bytes. Ten features of 200,000 rows over 15 million observations took 14 CPU seconds so, and 510 MB in all with a limit of
 * 256 MiB, 1,540 MB with one of 1 GiB; the bytes were the same.
 */
export class Sandbox {
  /** For statements of ours. */
  readonly session: Session
  private readonly instance: DuckDBInstance
  private readonly connection: DuckDBConnection
  private readonly signal: AbortSignal | undefined

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection, signal: AbortSignal | undefined) {
    this.instance = instance
    this.connection = connection
    this.session = new Session(connection)
    this.signal = signal
  }

  static async open({ memoryLimitBytes, spill, signal }: SandboxOptions): Promise<Sandbox> {
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${Math.floor(memoryLimitBytes / 1024)}KiB`,
      threads: '1',
      temp_directory: spill,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
      // Until close(): what is wrong with a SELECT is told with its place.
      errors_as_json: 'true',
    })
    const connection = await instance.connect()
    await connection.run(`SET TimeZone = 'UTC'; CREATE SCHEMA ${SET}`)
    return new Sandbox(instance, connection, signal)
  }

  /** Shows the SELECTs these tables, without what was deleted. From here on DuckDB reaches no file outside of `folders`. */
  async mount(tables: readonly CatalogTable[], folders: readonly string[]): Promise<void> {
    await defineTables(this.connection, livingTables(tables))
    const reachable = folders.map((folder) => sqlText(`${folder}/`)).join(', ')
    await this.connection.run(`SET allowed_directories = [${reachable}]; SET enable_external_access = false`)
  }

  /** Before anything is asked of the rows: no setting changes any more. */
  async seal(): Promise<void> {
    await this.connection.run('SET errors_as_json = false; SET lock_configuration = true')
  }

  /** The tree of a statement, as DuckDB writes it: see select-syntax.ts. */
  async serialized(sql: string): Promise<string> {
    const answer = await this.connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR) AS tree', [sql])
    return answer.getRowObjectsJson()[0]!.tree as string
  }

  /** Functions that give something else from one call, one query or one day to the next. */
  async unsteadyFunctions(): Promise<Set<string>> {
    const rows = await this.session.rows<{ name: string }>(
      `SELECT DISTINCT function_name AS name FROM duckdb_functions() WHERE stability <> 'CONSISTENT'`,
    )
    return new Set(rows.map(({ name }) => name.toLowerCase()))
  }

  /**
   * Runs a statement of ours that has a SELECT of the analyst's in it, which was looked through before.
   * @param parameters of all SELECTs; it gets those that it has
   * @throws BindingError before {@link seal}, StokerError DATASET_SQL after it, without a value of the data
   */
  async perform(sql: string, { select, parameters: names }: PerformedSelect, parameters: Parameters): Promise<void> {
    this.signal?.throwIfAborted()
    const quiet = interruptOn(this.signal, this.connection)
    try {
      const all = { ...parameters, ...select.values }
      const given = names.map((name) => [name, all[name]!] as const)
      const values = Object.fromEntries(given.map(([name, value]) => [name, boundValue(value)]))
      const types = Object.fromEntries(given.flatMap(([name, value]) => (isLarge(value) ? [[name, BIGINT]] : [])))
      await this.connection.run(sql, names.length === 0 ? undefined : values, types)
    } catch (error) {
      this.signal?.throwIfAborted()
      throw performError(error, select)
    } finally {
      quiet()
    }
  }

  /** Rows of a SELECT of ours, chunk by chunk. */
  stream(sql: string): Promise<DuckDBResult> {
    return this.connection.stream(sql)
  }

  close(): void {
    this.connection.closeSync()
    this.instance.closeSync()
  }
}

/** A SELECT that can not be bound: it names what is not there, or mixes types. */
export class BindingError extends Error {
  /** Byte of the whole statement. */
  readonly position: number | undefined
  /** DuckDB's words quote nothing but the SELECT: no row was read. */
  constructor(message: string, position: number | undefined) {
    super(message)
    this.position = position
  }
}

function performError(cause: unknown, select: DatasetSelect): unknown {
  const text = cause instanceof Error ? cause.message : String(cause)
  const [, json] = /^(?:[A-Z][\w ]* Error: )?(\{"exception_type".*\})$/s.exec(text) ?? []
  if (json !== undefined) {
    const told = JSON.parse(json) as { exception_message: string; position?: string }
    return new BindingError(told.exception_message, told.position === undefined ? undefined : Number(told.position))
  }
  const ofDisk = diskErrorOfDuckDb(cause)
  if (ofDisk !== undefined) return ofDisk
  const kind = /^([A-Z][\w -]*?(?:Error|Exception))/.exec(text)?.[1] ?? 'Error'
  if (kind.startsWith('Out of Memory')) return memoryError(cause, select)
  return new StokerError('DATASET_SQL', `${placeText(select)}: DuckDB can not go through with it (${kind})`, {
    hint: 'some value is not what the SQL takes it for: TRY_CAST gives NULL for it; --trace shows the whole error, which may quote data',
    cause,
  })
}

export function memoryError(cause: unknown, select?: DatasetSelect): StokerError {
  const where = select === undefined ? '' : `${placeText(select)}: `
  return new StokerError('DATASET_MEMORY', `${where}DuckDB ran out of the configured memory`, {
    hint: 'raise memoryLimit in the configuration, or ask for fewer rows at once; nothing was written',
    cause,
  })
}

function placeText({ place, path }: DatasetSelect): string {
  const { file, line, column } = place()
  return `${file}:${line}:${column} ${path}.sql`
}

/** Whole numbers are INTEGER where they fit, for `to_days($days)` and the like, and BIGINT where they don't. */
function isLarge(value: ParameterValue | Date | null): value is number {
  return typeof value === 'number' && Number.isInteger(value) && Math.abs(value) >= 2 ** 31
}

function boundValue(value: ParameterValue | Date | null): DuckDBValue {
  if (value instanceof Date) return new DuckDBTimestampTZValue(BigInt(value.getTime()) * 1000n)
  if (Array.isArray(value)) return listValue(value as string[])
  if (isLarge(value)) return BigInt(value)
  return value as string | number | boolean | null
}

/** Reading a snapshot: its tables in a DuckDB of their own that can reach nothing else, and change nothing. */
import { DuckDBInstance, type DuckDBConnection, type DuckDBResult } from '@duckdb/node-api'
import { rm } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { settle, writeWhole } from '../../core/durable.ts'
import { StokerError } from '../../core/errors.ts'
import { sqlText } from '../../core/sql.ts'
import { interruptOn } from '../../store/interrupt.ts'
import { plainRow } from '../../store/session.ts'
import { makeQuerySpill } from '../../store/spill.ts'
import { defineTables } from '../snapshot/catalog.ts'
import { livingTables } from '../snapshot/living.ts'
import type { Lake } from '../lake.ts'
import { queryError } from './query-error.ts'
import { mustBeSelect } from './select-only.ts'
import type { Lease } from '../snapshot/leases.ts'
import { withSnapshot } from '../snapshot/opening.ts'

export interface ReaderOptions {
  /** Its number; the newest one where it is undefined. */
  readonly snapshot?: number | undefined
  /** Once it is aborted, whatever the reader does is interrupted and fails with the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly threads?: number | undefined
  /** Of tables that keep the rows of deleted resources, the others; all are in the schema `with_deleted`. */
  readonly living?: boolean | undefined
  /** The one folder that {@link SnapshotReader.writeParquet} can write to. No query can name a file in it, or any other. */
  readonly output?: string | undefined
  /** An empty private folder for what does not fit into memory, the caller's to remove; else one is made in the lake. */
  readonly spill?: string | undefined
  /** What may lie there at once. */
  readonly spillBytes?: number | undefined
  /**
   * `process.chdir`, in a process that does nothing else: the tables are read from the snapshot's folder, as it is called
   * there, and nothing that a query is told, not even a plan, has a path of this machine in it.
   */
  readonly enter?: ((folder: string) => void) | undefined
}

/** Values of a query's `$name`. A text takes the type that its place wants, as a literal in quotes does. */
export type QueryParameters = Readonly<Record<string, string | number | bigint | boolean | null>>

export interface ParquetOptions {
  readonly parameters?: QueryParameters
  /** Of the file's own metadata. */
  readonly metadata?: Readonly<Record<string, string>>
  readonly rowGroupRows?: number
}

export class SnapshotReader {
  /** The snapshot's number. */
  readonly snapshot: number
  private readonly instance: DuckDBInstance
  private readonly connection: DuckDBConnection
  /** Looks at what is asked before anything of it runs. */
  private readonly judge: DuckDBConnection
  private readonly lease: Lease | undefined
  private readonly options: ReaderOptions
  /** Paths that no message tells. */
  private readonly folders: readonly string[]
  /** Patients' rows must not lie in whatever folder a query was asked from: made here, so removed here. */
  private readonly ownSpill: string | undefined
  private readonly stopListening: () => void

  private constructor(opened: Opened, options: ReaderOptions) {
    this.snapshot = opened.snapshot
    this.instance = opened.instance
    this.connection = opened.connection
    this.judge = opened.judge
    this.lease = opened.lease
    this.options = options
    this.folders = opened.folders
    this.ownSpill = opened.ownSpill
    this.stopListening = interruptOn(options.signal, opened.connection)
  }

  /**
   * Opens a snapshot. It stays whole and the same for as long as the reader lives, whatever the worker does; for a reader
   * that may not write to the lake, as long as `snapshots.days` says. The lake may have been moved since it was published.
   * @throws StokerError QUERY_NO_SNAPSHOT when nothing was published yet, or the one named is not there.
   */
  static async open(lake: Lake, memoryLimitBytes: number, options: ReaderOptions = {}): Promise<SnapshotReader> {
    options.signal?.throwIfAborted()
    return withSnapshot(lake, options.snapshot, async ({ number, folder: found, tables }, lease) => {
      const folder = resolve(found)
      const ownSpill = options.spill === undefined ? await makeQuerySpill(lake.root) : undefined
      const output = options.output === undefined ? undefined : resolve(options.output)
      const spill = options.spill === undefined ? ownSpill : resolve(options.spill)
      const here = options.enter === undefined ? `${folder}/` : ''
      options.enter?.(folder)
      const instance = await DuckDBInstance.create(':memory:', {
        memory_limit: kib(memoryLimitBytes),
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
        temp_directory: spill ?? '',
        ...(options.threads !== undefined && { threads: String(options.threads) }),
      })
      try {
        const connection = await instance.connect()
        const at = (file: string) => file.replace(`${found}/`, here)
        await defineTables(
          connection,
          (options.living ? livingTables(tables) : tables).map((table) => ({
            ...table,
            files: at(table.files as string),
          })),
        )
        const allowed = [`${folder}/`, ...(output === undefined ? [] : [`${output}/`])]
        // Given when the instance is made it is shown, and not kept to (DuckDB 1.5.6).
        if (options.spillBytes !== undefined)
          await connection.run(`SET max_temp_directory_size = '${kib(options.spillBytes)}'`)
        await connection.run(`
          SET TimeZone = 'UTC';
          SET allowed_directories = [${allowed.map(sqlText).join(', ')}];
          SET enable_external_access = false;
          SET lock_configuration = true`)
        const judge = await instance.connect()
        const folders = [
          folder,
          ...(output === undefined ? [] : [output]),
          ...(spill === undefined ? [] : [spill]),
          lake.root,
        ]
        const opened = { snapshot: number, instance, connection, judge, lease, folders, ownSpill }
        return new SnapshotReader(opened, { ...options, output })
      } catch (error) {
        instance.closeSync()
        if (ownSpill !== undefined) await rm(ownSpill, { recursive: true, force: true })
        throw error
      }
    })
  }

  /**
   * The answer to one SELECT, as a stream of chunks, to be read before the next query.
   * @throws StokerError QUERY_REFUSED for anything else and for what may not be named in it, QUERY_PARAMETER, QUERY_MEMORY,
   * QUERY_FAILED with DuckDB's words: they quote the query, which is the asker's own. An error while it is read is DuckDB's:
   * {@link failure} makes it one of these.
   */
  async query(sql: string, parameters: QueryParameters = {}): Promise<DuckDBResult> {
    return this.attempt(async () => this.connection.stream(await this.judged(sql, parameters), { ...parameters }))
  }

  /** All rows of an answer known to be small: BIGINT as a number where it is safe, DATE and TIMESTAMP as Date. */
  async rows<T extends object = Record<string, unknown>>(sql: string, parameters: QueryParameters = {}): Promise<T[]> {
    const result = await this.query(sql, parameters)
    return this.attempt(async () => (await result.getRowObjectsJS()).map((row) => plainRow(row) as T))
  }

  /**
   * Writes the answer to `file` in the folder `output`, for the owner alone, whole or not at all. With an ORDER BY that
   * leaves nothing open and `threads: 1`, the same rows give the same bytes.
   * @param file its name, without a folder
   * @returns its rows
   * @throws StokerError as {@link query} does
   */
  async writeParquet(sql: string, file: string, options: ParquetOptions = {}): Promise<number> {
    const { output } = this.options
    if (output === undefined || file !== basename(file)) {
      throw new StokerError('QUERY_OUTPUT', `this reader can not write ${file}`)
    }
    const path = join(output, file)
    const aside = `${path}.part`
    const settings = [
      'FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false',
      ...(options.rowGroupRows === undefined ? [] : [`ROW_GROUP_SIZE ${Math.trunc(options.rowGroupRows)}`]),
      ...(options.metadata === undefined ? [] : [`KV_METADATA ${structText(options.metadata)}`]),
    ]
    return this.attempt(async () => {
      const parameters = options.parameters ?? {}
      const select = asSelect(await this.judged(sql, parameters))
      try {
        // DuckDB makes a file as the umask says, and keeps the mode of one that is there.
        await writeWhole(aside, '')
        const result = await this.connection.run(`COPY (${select}\n) TO ${sqlText(aside)} (${settings.join(', ')})`, {
          ...parameters,
        })
        await settle(aside, path)
        return result.rowsChanged
      } finally {
        await rm(aside, { force: true })
      }
    })
  }

  /** What an error that came while an answer was read is to its asker. */
  failure(error: unknown): unknown {
    return this.options.signal?.aborted === true ? this.options.signal.reason : queryError(error, this.folders)
  }

  /** For a process that is about to be killed; the reader can't be used afterwards. */
  async releaseLease(): Promise<void> {
    await this.lease?.release()
  }

  /** What runs now fails. What comes next does not. */
  interrupt(): void {
    this.connection.interrupt()
  }

  async close(): Promise<void> {
    this.stopListening()
    this.judge.closeSync()
    this.connection.closeSync()
    this.instance.closeSync()
    if (this.ownSpill !== undefined) await rm(this.ownSpill, { recursive: true, force: true })
    await this.releaseLease()
  }

  private async judged(sql: string, parameters: QueryParameters): Promise<string> {
    const text = await mustBeSelect(this.judge, sql)
    const statement = await this.connection.prepare(text)
    const wanted = Array.from({ length: statement.parameterCount }, (_, i) => statement.parameterName(i + 1))
    statement.destroySync()
    mustBeGiven(wanted, Object.keys(parameters))
    return text
  }

  private async attempt<T>(work: () => Promise<T>): Promise<T> {
    this.options.signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      throw this.failure(error)
    }
  }
}

interface Opened {
  readonly snapshot: number
  readonly instance: DuckDBInstance
  readonly connection: DuckDBConnection
  readonly judge: DuckDBConnection
  readonly lease: Lease | undefined
  readonly folders: readonly string[]
  readonly ownSpill: string | undefined
}

function mustBeGiven(wanted: readonly string[], given: readonly string[]): void {
  const missing = wanted.find((name) => !given.includes(name))
  const unknown = given.find((name) => !wanted.includes(name))
  if (missing === undefined && unknown === undefined) return
  const what = missing === undefined ? `the query has no $${unknown}` : `the query's $${missing} has no value`
  const names = wanted.map((name) => `$${name}`).join(', ')
  throw new StokerError('QUERY_PARAMETER', what, {
    hint: wanted.length === 0 ? 'write $name where the value belongs' : `give one for each of: ${names}`,
  })
}

/** COPY takes a SELECT by that name only. */
function asSelect(text: string): string {
  if (!/^EXPLAIN\b/i.test(text)) return /^(SHOW|DESC|DESCRIBE|SUMMARIZE)\b/i.test(text) ? `FROM (${text}\n)` : text
  throw new StokerError('QUERY_REFUSED', 'a plan is no table: Parquet can not hold it', { hint: 'ask for JSON' })
}

function kib(bytes: number): string {
  return `${Math.floor(bytes / 1024)}KiB`
}

function structText(values: Readonly<Record<string, string>>): string {
  return `{${Object.entries(values)
    .map(([name, value]) => `${sqlText(name)}: ${sqlText(value)}`)
    .join(', ')}}`
}

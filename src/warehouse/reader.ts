/** Reading a snapshot: its catalog attached read-only in a DuckDB of its own that can reach nothing else. */
import { DuckDBInstance, type DuckDBConnection, type DuckDBResult } from '@duckdb/node-api'
import { access } from 'node:fs/promises'
import { StokerError } from '../core/errors.ts'
import { sqlText } from '../core/sql.ts'
import { plainRow } from '../store/session.ts'
import type { Lake } from './lake.ts'

export class SnapshotReader {
  private readonly instance: DuckDBInstance
  private readonly connection: DuckDBConnection

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.instance = instance
    this.connection = connection
  }

  /**
   * Opens the newest snapshot. It stays whole and the same for as long as the reader lives, whatever the worker does.
   * @throws StokerError QUERY_NO_SNAPSHOT when nothing was published yet.
   */
  static async open(lake: Lake, memoryLimitBytes: number): Promise<SnapshotReader> {
    await access(lake.catalog).catch((cause: unknown) => {
      throw new StokerError('QUERY_NO_SNAPSHOT', `there is no snapshot in ${lake.root} yet`, {
        hint: 'run stoker sync first, or check the lake folder in the configuration',
        cause,
      })
    })
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: `${Math.floor(memoryLimitBytes / 1024)}KiB`,
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    })
    const connection = await instance.connect()
    await connection.run(`
      SET TimeZone = 'UTC';
      ATTACH ${sqlText(lake.catalog)} AS snapshot (READ_ONLY);
      USE snapshot;
      SET allowed_directories = [${sqlText(`${lake.snapshots}/`)}];
      SET enable_external_access = false;
      SET lock_configuration = true`)
    return new SnapshotReader(instance, connection)
  }

  /**
   * The answer to one SELECT, as a stream of chunks.
   * @throws StokerError QUERY_FAILED with DuckDB's words: they quote the query, which is the asker's own.
   */
  async query(sql: string): Promise<DuckDBResult> {
    try {
      const statements = await this.connection.extractStatements(sql)
      if (statements.count !== 1) throw new Error(`a query is one statement, not ${statements.count}`)
      return await this.connection.stream(sql)
    } catch (error) {
      throw new StokerError('QUERY_FAILED', error instanceof Error ? error.message : String(error), {
        hint: 'stoker query "SHOW ALL TABLES" lists the tables, "DESCRIBE patient" the columns of one',
      })
    }
  }

  /** All rows of an answer known to be small. */
  async rows(sql: string): Promise<Record<string, unknown>[]> {
    const rows = await (await this.query(sql)).getRowObjectsJS()
    return rows.map(plainRow)
  }

  close(): void {
    this.connection.closeSync()
    this.instance.closeSync()
  }
}

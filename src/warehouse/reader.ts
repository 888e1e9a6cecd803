/** Reading a snapshot: its tables in a DuckDB of their own that can reach nothing else, and change nothing. */
import { DuckDBInstance, StatementType, type DuckDBConnection, type DuckDBResult } from '@duckdb/node-api'
import { rm } from 'node:fs/promises'
import { StokerError } from '../core/errors.ts'
import { sqlText } from '../core/sql.ts'
import { plainRow } from '../store/session.ts'
import { makeQuerySpill } from '../store/spill.ts'
import { defineTables } from './catalog.ts'
import type { Lake } from './lake.ts'
import type { Lease } from './snapshot/leases.ts'
import { withSnapshot } from './snapshot/opening.ts'

export class SnapshotReader {
  private readonly instance: DuckDBInstance
  private readonly connection: DuckDBConnection
  /** Where a query too large for memory goes: patients' rows must not lie in whatever folder it was asked from. */
  private readonly spill: string | undefined
  private readonly lease: Lease | undefined

  private constructor(
    instance: DuckDBInstance,
    connection: DuckDBConnection,
    spill: string | undefined,
    lease: Lease | undefined,
  ) {
    this.instance = instance
    this.connection = connection
    this.spill = spill
    this.lease = lease
  }

  /**
   * Opens the newest snapshot, or the one named. It stays whole and the same for as long as the reader lives, whatever the
   * worker does; for a reader that may not write to the lake, as long as `snapshots.days` says. The lake may have been moved
   * since it was published.
   * @throws StokerError QUERY_NO_SNAPSHOT when nothing was published yet, or the one named is not there.
   */
  static async open(lake: Lake, memoryLimitBytes: number, snapshot?: number): Promise<SnapshotReader> {
    return withSnapshot(lake, snapshot, async ({ folder, tables }, lease) => {
      const spill = await makeQuerySpill(lake.root)
      const instance = await DuckDBInstance.create(':memory:', {
        memory_limit: `${Math.floor(memoryLimitBytes / 1024)}KiB`,
        autoinstall_known_extensions: 'false',
        autoload_known_extensions: 'false',
        temp_directory: spill ?? '',
      })
      try {
        const connection = await instance.connect()
        await defineTables(connection, tables)
        await connection.run(`
          SET TimeZone = 'UTC';
          SET allowed_directories = [${sqlText(`${folder}/`)}];
          SET enable_external_access = false;
          SET lock_configuration = true`)
        return new SnapshotReader(instance, connection, spill, lease)
      } catch (error) {
        instance.closeSync()
        if (spill !== undefined) await rm(spill, { recursive: true, force: true })
        throw error
      }
    })
  }

  /**
   * The answer to one SELECT, as a stream of chunks.
   * @throws StokerError QUERY_REFUSED for anything else, QUERY_FAILED with DuckDB's words: they quote the query, which is
   * the asker's own.
   */
  async query(sql: string): Promise<DuckDBResult> {
    const text = sql.trim().replace(/;+$/, '')
    try {
      await this.refuseOthers(text)
      // What is explained must be a SELECT itself: EXPLAIN ANALYZE runs it.
      const explained = text.replace(EXPLAIN, '')
      if (explained !== text) await this.refuseOthers(explained)
      return await this.connection.stream(text)
    } catch (error) {
      if (error instanceof StokerError) throw error
      throw new StokerError('QUERY_FAILED', error instanceof Error ? error.message : String(error), {
        hint: '"SHOW TABLES" lists the tables, "DESCRIBE patient" the columns of one',
      })
    }
  }

  /** All rows of an answer known to be small. */
  async rows(sql: string): Promise<Record<string, unknown>[]> {
    const rows = await (await this.query(sql)).getRowObjectsJS()
    return rows.map(plainRow)
  }

  async close(): Promise<void> {
    this.connection.closeSync()
    this.instance.closeSync()
    if (this.spill !== undefined) await rm(this.spill, { recursive: true, force: true })
    await this.lease?.release()
  }

  private async refuseOthers(sql: string): Promise<void> {
    const statements = sql === '' ? undefined : await this.connection.extractStatements(sql)
    if (statements?.count === 1) {
      const statement = await statements.prepare(0)
      const type = statement.statementType
      statement.destroySync()
      if (type === StatementType.SELECT || (type === StatementType.EXPLAIN && EXPLAIN.test(sql))) return
    }
    const what = statements === undefined ? 'nothing' : statements.count === 1 ? 'another statement' : 'several'
    throw new StokerError('QUERY_REFUSED', `a query is one SELECT, not ${what}`, {
      hint: 'a snapshot is only read; SELECT, FROM, WITH, SHOW, DESCRIBE, SUMMARIZE and EXPLAIN are understood',
    })
  }
}

const EXPLAIN = /^\s*EXPLAIN\b(?:\s+ANALYZE\b)?(?:\s*\([^)]*\))?/i

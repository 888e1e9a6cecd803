/** The database of a lake, opened for writing by one command: the lock is taken, and the tables are those of this version. */
import { systemClock } from '../core/clock.ts'
import { ledgerMigrations } from '../ledger/schema.ts'
import { Database } from '../store/database.ts'
import { migrate } from '../store/migrate.ts'
import type { Lake } from '../warehouse/lake.ts'
import { warehouseMigrations } from '../warehouse/schema.ts'
import { shownCommand } from './command-line.ts'
import { STOKER_VERSION } from './version.ts'

export interface LakeDatabaseOptions {
  /** The configuration as it was named: who finds the lake held is shown the command that holds it. */
  readonly config: string
  readonly memoryLimitBytes: number
  readonly threads?: number | undefined
  /** Bytes that may be spilled to disk, asked when what a killed process spilled is gone; undefined: as much as DuckDB likes. */
  readonly spillBytes?: () => Promise<number>
}

/** @throws StokerError STORE_LOCKED, STORE_NEWER, or that the file can not be read */
export async function openLakeDatabase(lake: Lake, options: LakeDatabaseOptions): Promise<Database> {
  const { config, memoryLimitBytes, threads, spillBytes } = options
  const worker = { command: shownCommand(process.argv, config), version: STOKER_VERSION, startedAt: systemClock.now() }
  const database = await Database.open({ path: lake.database, memoryLimitBytes, threads, worker })
  try {
    if (spillBytes !== undefined) await database.limitSpill(await spillBytes())
    await migrate(database, [...ledgerMigrations, ...warehouseMigrations])
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Brings the database to the newest schema: numbered steps, each run once, all in one transaction. */
import { StokerError } from '../core/errors.ts'
import type { Database } from './database.ts'

export interface Migration {
  /** Unique and never changed once published, like `ledger/1`. */
  readonly id: string
  readonly sql: string
}

/** @throws StokerError STORE_NEWER when the file was written by a version that knows more steps than this one. */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  await database.transaction(async (session) => {
    await session.run(`
      CREATE SCHEMA IF NOT EXISTS stoker;
      CREATE TABLE IF NOT EXISTS stoker.migration (id VARCHAR NOT NULL, applied_at TIMESTAMPTZ NOT NULL)`)
    const applied = new Set(
      (await session.rows<{ id: string }>('SELECT id FROM stoker.migration')).map((row) => row.id),
    )
    for (const { id, sql } of migrations) {
      if (applied.delete(id)) continue
      await session.run(sql)
      await session.run('INSERT INTO stoker.migration VALUES ($1, now())', [id])
    }
    if (applied.size > 0) {
      throw new StokerError(
        'STORE_NEWER',
        `this lake was written by a newer version of Stoker (${[...applied].join(', ')})`,
        { hint: 'run the newer version; a lake is never taken back' },
      )
    }
  })
}

/** The database file written anew: what was deleted lies in its free blocks until then. */
import { rm } from 'node:fs/promises'
import { settle } from '../../core/durable.ts'
import { sqlName, sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'

/**
 * Copies what the database holds into a new file that takes its place; with it goes the free space. Interrupted, the old
 * file is whole. The purge it is done for is `done` in the new one.
 *
 * From here on the session writes to a file without a name: the database must be closed at once.
 */
export async function rewriteDatabase(session: Session, path: string, purge: number): Promise<void> {
  const part = `${path}.part`
  await rm(part, { force: true })
  await rm(`${part}.wal`, { force: true })
  const { name } = (await session.first<{ name: string }>('SELECT current_database() AS name'))!
  await session.run('CHECKPOINT')
  await session.run(`ATTACH ${sqlText(part)} AS anew`)
  try {
    await session.run(`COPY FROM DATABASE ${sqlName(name)} TO anew`)
    await session.run(`UPDATE anew.stoker.purge SET state = 'done' WHERE purge = $1`, [purge])
    await session.run('CHECKPOINT anew')
  } finally {
    await session.run('DETACH anew')
  }
  await settle(part, path)
}

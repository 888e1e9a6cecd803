/** A DuckDB of its own, in memory, gone with the command; what does not fit spills to a private folder. */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** @param work given the connection and a folder for files under way, both gone afterwards */
export async function withScratchDatabase<T>(
  work: (connection: DuckDBConnection, folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-views-'))
  try {
    const instance = await DuckDBInstance.create(':memory:', {
      temp_directory: join(folder, 'temp'),
      autoinstall_known_extensions: 'false',
    })
    try {
      const connection = await instance.connect()
      await connection.run(`SET TimeZone = 'UTC'`)
      try {
        return await work(connection, folder)
      } finally {
        connection.closeSync()
      }
    } finally {
      instance.closeSync()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

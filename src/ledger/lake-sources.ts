/** The sources that a lake has rows of, or had. */
import type { Ask } from './run-details.ts'

/** Names, in their order; of the database, or of a snapshot's catalog. */
export async function lakeSources(ask: Ask): Promise<string[]> {
  const rows = await ask<{ source: string }>('SELECT DISTINCT source FROM stoker.run ORDER BY source')
  return rows.map(({ source }) => source)
}

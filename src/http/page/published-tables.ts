/** The tables in force, with what the newest snapshot holds of each. */
import { tableColumns, type ViewColumn } from '../../warehouse/view.ts'
import type { HttpDeps } from '../deps.ts'

export interface PublishedTable {
  readonly name: string
  /** The resource type it is made of. */
  readonly resource: string
  readonly description: string | undefined
  readonly hash: string
  /** Those of lineage in front. */
  readonly columns: readonly ViewColumn[]
  /** As of the newest snapshot; null where none has it. */
  readonly rows: number | null
  readonly bytes: number | null
  /** When a snapshot first had its rows as they are. */
  readonly changed_at: Date | null
}

interface Published {
  readonly name: string
  readonly rows: number
  readonly bytes: number
  readonly changed_at: Date
}

const PUBLISHED_SQL = `
  WITH newest AS (FROM stoker.snapshot_table WHERE snapshot = (SELECT max(snapshot) FROM stoker.snapshot))
  SELECT n.name, n.rows, n.bytes, min(s.published_at) AS changed_at
  FROM newest AS n JOIN stoker.snapshot_table AS t ON t.name = n.name AND t.changed = n.changed
  JOIN stoker.snapshot AS s ON s.snapshot = t.snapshot GROUP BY ALL`

/** By name. */
export async function publishedTables({ ask, views }: Pick<HttpDeps, 'ask' | 'views'>): Promise<PublishedTable[]> {
  const published = new Map((await ask<Published>(PUBLISHED_SQL)).map((table) => [table.name, table]))
  return [...views]
    .sort((a, b) => a.name.localeCompare(b.name))
    .map((view) => {
      const { rows = null, bytes = null, changed_at = null } = published.get(view.name) ?? {}
      const { name, resource, description, hash } = view
      return { name, resource, description, hash, columns: tableColumns(view), rows, bytes, changed_at }
    })
}

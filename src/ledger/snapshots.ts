/** What was published: every snapshot, those that were removed too. */
import type { Ask } from './run-details.ts'

export interface SnapshotLine {
  readonly snapshot: number
  readonly published_at: Date
  /** What it was published by; null where a look at the snapshots alone does not tell a rebuild from a purge. */
  readonly by: 'run' | 'rebuild' | 'purge' | null
  /** Null where it was no run. */
  readonly run: number | null
  readonly tables: number
  /** Tables that are not as in the snapshot before. */
  readonly tables_changed: number
  /** Of all its files, those that it shares with the snapshot before too. */
  readonly bytes: number
  /** Null: it is there. */
  readonly removed_at: Date | null
}

/** Newest first, from the database: a snapshot knows less. */
export async function snapshotLines(ask: Ask, limit: number): Promise<SnapshotLine[]> {
  return ask<SnapshotLine>(`
    WITH every AS (FROM stoker.snapshot SELECT *, lag(snapshot) OVER (ORDER BY snapshot) AS previous),
      chosen AS (FROM every ORDER BY snapshot DESC LIMIT ${limit})
    SELECT c.snapshot, c.published_at,
      CASE WHEN c.run IS NOT NULL THEN 'run'
        WHEN EXISTS (FROM stoker.purge AS p WHERE c.published_at BETWEEN p.asked_at AND coalesce(p.ended_at, c.published_at)) THEN 'purge'
        ELSE 'rebuild' END AS by,
      c.run, count(t.name) AS tables, count(t.name) FILTER (b.changed IS DISTINCT FROM t.changed) AS tables_changed,
      coalesce(sum(t.bytes), 0)::BIGINT AS bytes, c.removed_at
    FROM chosen AS c
    LEFT JOIN stoker.snapshot_table AS t ON t.snapshot = c.snapshot
    LEFT JOIN stoker.snapshot_table AS b ON b.snapshot = c.previous AND b.name = t.name
    GROUP BY ALL ORDER BY c.snapshot DESC`)
}

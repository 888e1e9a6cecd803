/** What was over days, as series for charts: runs with what they brought and took, and what was published. */
import { sqlText } from '../core/sql.ts'
import type { Ask } from '../ledger/run-details.ts'
import type { RunMode, RunState } from '../ledger/runs.ts'

export interface History {
  readonly from: Date
  readonly to: Date
  /** Oldest first. */
  readonly runs: readonly RunPoint[]
  readonly snapshots: readonly SnapshotPoint[]
}

export interface RunPoint {
  readonly source: string
  readonly run: number
  readonly mode: RunMode
  readonly state: RunState
  readonly started_at: Date
  /** Until it had ended, or committed at least; null before. */
  readonly seconds: number | null
  readonly files: number
  readonly bytes: number
  readonly rejects: number
  readonly inserted: number
  readonly updated: number
  readonly deleted: number
  readonly error_code: string | null
  readonly committed_at: Date | null
  /**
   * The server's state that its rows are: the earliest transactionTime of its exports, without those whose types are all
   * held back; null where nothing was committed, and where all was held back.
   */
  readonly data_as_of: Date | null
  /** How old the source's data was when it committed; and right before, by the last one that did: between runs it grows. */
  readonly age_seconds: number | null
  readonly age_before_seconds: number | null
}

export interface SnapshotPoint {
  readonly snapshot: number
  readonly published_at: Date
  readonly tables: number
  readonly rows: number
  readonly bytes: number
}

/** Of each series the newest so many at most: a run every ten minutes for a month. */
const POINTS_MAX = 5_000

export async function history(ask: Ask, { days, now }: { days: number; now: Date }): Promise<History> {
  const from = new Date(now.getTime() - days * 86_400_000)
  return {
    from,
    to: now,
    runs: await ask<RunPoint>(runsSql(from)),
    snapshots: await ask<SnapshotPoint>(snapshotsSql(from)),
  }
}

function runsSql(from: Date): string {
  // The age before a run is by the one before it, which may lie before the days that are asked for.
  return `
    WITH dated AS (
      SELECT r.*, CASE WHEN r.committed_at IS NOT NULL THEN e.earliest END AS data_as_of
      FROM stoker.run AS r LEFT JOIN (SELECT run, min(transaction_time) AS earliest FROM stoker.export AS x
        WHERE purpose = 'load' AND NOT list_has_all(coalesce((SELECT list(type) FROM stoker.run_type AS t
          WHERE t.run = x.run AND held IS NOT NULL), []), types) GROUP BY run) AS e ON e.run = r.run),
    aged AS (
      SELECT *, last_value(data_as_of IGNORE NULLS) OVER (PARTITION BY source ORDER BY run
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS data_before FROM dated),
    chosen AS (FROM aged WHERE started_at >= ${sqlText(from.toISOString())}::TIMESTAMPTZ ORDER BY run DESC LIMIT ${POINTS_MAX})
    SELECT c.source, c.run, c.mode, c.state, c.started_at,
      date_diff('millisecond', c.started_at, coalesce(c.ended_at, c.committed_at)) / 1000 AS seconds,
      coalesce(f.files, 0) AS files, coalesce(f.bytes, 0) AS bytes, coalesce(f.rejects, 0) AS rejects,
      coalesce(t.inserted, 0) AS inserted, coalesce(t.updated, 0) AS updated, coalesce(t.deleted, 0) AS deleted,
      c.error_code, c.committed_at, c.data_as_of,
      date_diff('millisecond', c.data_as_of, c.committed_at) / 1000 AS age_seconds,
      date_diff('millisecond', c.data_before, c.committed_at) / 1000 AS age_before_seconds
    FROM chosen AS c
    LEFT JOIN (SELECT run, count(*) AS files, sum(bytes)::BIGINT AS bytes, sum(rejects)::BIGINT AS rejects
        FROM stoker.file GROUP BY run) AS f ON f.run = c.run
    LEFT JOIN (SELECT run, sum(inserted)::BIGINT AS inserted, sum(updated)::BIGINT AS updated, sum(deleted)::BIGINT AS deleted
        FROM stoker.run_type GROUP BY run) AS t ON t.run = c.run
    ORDER BY c.run`
}

function snapshotsSql(from: Date): string {
  return `
    WITH chosen AS (FROM stoker.snapshot WHERE published_at >= ${sqlText(from.toISOString())}::TIMESTAMPTZ
      ORDER BY snapshot DESC LIMIT ${POINTS_MAX})
    SELECT c.snapshot, c.published_at, count(t.name) AS tables, coalesce(sum(t.rows), 0)::BIGINT AS rows,
      coalesce(sum(t.bytes), 0)::BIGINT AS bytes
    FROM chosen AS c LEFT JOIN stoker.snapshot_table AS t USING (snapshot) GROUP BY ALL ORDER BY c.snapshot`
}

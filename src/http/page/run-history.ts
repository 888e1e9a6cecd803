/** Runs over time, as the charts draw them: one point a run. */
import { sqlText } from '../../core/sql.ts'
import type { Ask } from '../../ledger/run-details.ts'

/** A run that committed. */
export interface HistoryPoint {
  readonly run: number
  readonly source: string
  readonly started_at: Date
  readonly committed_at: Date
  readonly took_ms: number
  readonly bytes: number
  /** Resources inserted, updated, deleted. */
  readonly changed: number
  /** What its data is as of; null where it loaded nothing that says it. */
  readonly as_of: Date | null
}

export interface SnapshotPoint {
  readonly snapshot: number
  readonly published_at: Date
  /** Of all tables together. */
  readonly rows: number
}

export interface RunHistory {
  /** Oldest first. */
  readonly runs: readonly HistoryPoint[]
  readonly snapshots: readonly SnapshotPoint[]
}

/** A chart of more is not readable; the newest are kept. */
const POINTS_MAX = 5000

export async function runHistory(ask: Ask, since: Date): Promise<RunHistory> {
  const from = `${sqlText(since.toISOString())}::TIMESTAMPTZ`
  return {
    runs: await ask<HistoryPoint>(`
      WITH chosen AS (FROM stoker.run WHERE committed_at >= ${from} ORDER BY run DESC LIMIT ${POINTS_MAX})
      SELECT r.run, r.source, r.started_at, r.committed_at,
        epoch_ms(coalesce(r.ended_at, r.committed_at)) - epoch_ms(r.started_at) AS took_ms,
        coalesce(f.bytes, 0) AS bytes, coalesce(t.changed, 0) AS changed, e.as_of
      FROM chosen AS r
      LEFT JOIN (SELECT run, sum(bytes)::BIGINT AS bytes FROM stoker.file GROUP BY run) AS f ON f.run = r.run
      LEFT JOIN (SELECT run, sum(inserted + updated + deleted)::BIGINT AS changed FROM stoker.run_type GROUP BY run) AS t
        ON t.run = r.run
      LEFT JOIN (SELECT run, max(transaction_time) AS as_of FROM stoker.export WHERE purpose = 'load' GROUP BY run) AS e
        ON e.run = r.run
      ORDER BY r.committed_at, r.run`),
    snapshots: await ask<SnapshotPoint>(`
      SELECT s.snapshot, s.published_at, sum(t.rows)::BIGINT AS rows
      FROM stoker.snapshot AS s JOIN stoker.snapshot_table AS t USING (snapshot)
      WHERE s.published_at >= ${from} GROUP BY ALL ORDER BY s.snapshot DESC LIMIT ${POINTS_MAX}`).then((rows) =>
      rows.reverse(),
    ),
  }
}

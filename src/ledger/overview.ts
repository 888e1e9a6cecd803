/** The ledger at a glance: what each source holds, up to when, and how its last run ended. */
import type { Ask } from './run-details.ts'
import type { RunRecord } from './runs.ts'

export interface TypeOverview {
  readonly source: string
  readonly type: string
  readonly resources: number
  readonly deleted: number
  readonly watermark: Date | null
}

/** Something to know of a source's last committed run. */
export interface Remark {
  readonly source: string
  readonly run: number
  /**
   * held: a watermark stands. message: the server's, from error files. finding: not what was asked or announced. loss:
   * values that a view table lacks, because they were not what its column wants.
   */
  readonly kind: 'held' | 'message' | 'finding' | 'loss'
  /** Of a loss the view table, and the element of a wrong shape, or the column where it is the column's own value. */
  readonly type: string | null
  /** A finding's code; of a message severity and code; why a watermark is held; of a loss what was wanted. */
  readonly what: string
  readonly count: number
}

export interface Overview {
  readonly types: readonly TypeOverview[]
  /** The newest ten, and of each source the last; newest first. */
  readonly runs: readonly RunRecord[]
  readonly remarks: readonly Remark[]
}

/** What it reads is in the database and, as of the last publishing, in every snapshot's catalog too. */
const OVERVIEW_SQL = {
  types: `WITH last AS (SELECT source, max(run) AS run FROM stoker.run WHERE committed_at IS NOT NULL GROUP BY source),
      held AS (SELECT source, type FROM stoker.run_type JOIN last USING (run) WHERE held IS NOT NULL)
    SELECT source, type, coalesce(resources, 0) AS resources, coalesce(deleted, 0) AS deleted, transaction_time AS watermark
    FROM stoker.resource_count FULL JOIN stoker.watermark USING (source, type) FULL JOIN held USING (source, type)
    ORDER BY source, type`,
  runs: `FROM stoker.run WHERE run IN (SELECT run FROM stoker.run ORDER BY run DESC LIMIT 10)
      OR run IN (SELECT max(run) FROM stoker.run GROUP BY source) ORDER BY run DESC`,
  remarks: `WITH last AS (SELECT source, max(run) AS run FROM stoker.run WHERE committed_at IS NOT NULL GROUP BY source)
    SELECT source, run, 'held' AS kind, type, held AS what, 1 AS count FROM stoker.run_type JOIN last USING (run) WHERE held IS NOT NULL
    UNION ALL SELECT source, run, 'message', NULL, concat_ws(' ', severity, code), sum(count)::BIGINT
      FROM stoker.message JOIN last USING (run) GROUP BY ALL
    UNION ALL SELECT source, run, 'finding', type, code, sum(count)::BIGINT
      FROM stoker.finding JOIN last USING (run) GROUP BY ALL
    UNION ALL SELECT source, run, 'loss', concat(view_table, ': ', coalesce(element, column_name)), wanted, max(count)
      FROM stoker.run_loss JOIN last USING (run) GROUP BY ALL
    ORDER BY source, kind, type, what`,
}

/** One purge; whom it took is kept nowhere. */
export interface PurgeRecord {
  readonly purge: number
  readonly kind: 'patient' | 'resource' | 'source'
  readonly source: string
  /** asked: what it takes may still be there. cleared: the database file is still to be written anew. */
  readonly state: 'asked' | 'cleared' | 'done'
  readonly keeps_snapshots: boolean
  readonly asked_at: Date
  readonly ended_at: Date | null
  /** What it took; null before it is cleared. */
  readonly counts: Readonly<Record<string, unknown>> | null
}

/** Newest first. The database alone knows of them: a snapshot does not. */
export async function purges(ask: Ask): Promise<PurgeRecord[]> {
  const rows = await ask<Omit<PurgeRecord, 'counts'> & { readonly counts: string | null }>(
    `SELECT purge, kind, source, state, keeps_snapshots, asked_at, ended_at, counts::VARCHAR AS counts
     FROM stoker.purge ORDER BY purge DESC`,
  )
  return rows.map(({ counts, ...row }) => ({
    ...row,
    counts: counts === null ? null : (JSON.parse(counts) as Record<string, unknown>),
  }))
}

export async function overview(ask: Ask): Promise<Overview> {
  return {
    types: await ask<TypeOverview>(OVERVIEW_SQL.types),
    runs: await ask<RunRecord>(OVERVIEW_SQL.runs),
    remarks: await ask<Remark>(OVERVIEW_SQL.remarks),
  }
}

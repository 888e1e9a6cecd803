/** The ledger at a glance: what each source holds, up to when, and how its last run ended. */
import type { Session } from '../store/session.ts'
import type { RunRecord } from './runs.ts'

export interface TypeOverview {
  readonly source: string
  readonly type: string
  readonly resources: number
  readonly deleted: number
  readonly watermark: Date | null
}

export interface Overview {
  readonly types: readonly TypeOverview[]
  /** Newest first. */
  readonly runs: readonly RunRecord[]
}

/** What it reads is in the database and, as of the last publishing, in every snapshot's catalog too. */
export const OVERVIEW_SQL = {
  types: `SELECT source, type, coalesce(resources, 0) AS resources, coalesce(deleted, 0) AS deleted, transaction_time AS watermark
    FROM stoker.resource_count FULL JOIN stoker.watermark USING (source, type) ORDER BY source, type`,
  runs: 'SELECT * FROM stoker.run ORDER BY run DESC LIMIT 10',
}

export async function overview(session: Session): Promise<Overview> {
  return {
    types: await session.rows<TypeOverview>(OVERVIEW_SQL.types),
    runs: await session.rows<RunRecord>(OVERVIEW_SQL.runs),
  }
}

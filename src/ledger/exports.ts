/** Exports in the ledger: the server's jobs, each with what was asked and what its manifest said. */
import type { Session } from '../store/session.ts'

export type ExportState = 'planned' | 'requested' | 'ready' | 'released'

export interface PlannedExport {
  readonly types: readonly string[]
  /** Sent as `_since`, as text: an instant of the server's, given back as it came. */
  readonly since: string | undefined
  /** True when it tells the whole present state of its types, so that what it lacks is deleted. */
  readonly whole: boolean
}

export interface ExportRecord {
  readonly export: number
  readonly run: number
  readonly types: readonly string[]
  readonly since: string | null
  readonly whole: boolean
  readonly state: ExportState
  readonly request_url: string | null
  readonly status_url: string | null
  readonly server_date: Date | null
  readonly requested_at: Date | null
  readonly ready_at: Date | null
  readonly transaction_time: Date | null
  readonly requires_token: boolean | null
}

export async function planExports(session: Session, run: number, exports: readonly PlannedExport[]): Promise<void> {
  for (const { types, since, whole } of exports) {
    await session.run(
      `INSERT INTO stoker.export (export, run, types, since, whole, state)
       VALUES (nextval('stoker.export_number'), $1, from_json($2::JSON, '["VARCHAR"]'), $3, $4, 'planned')`,
      [run, JSON.stringify(types), since ?? null, whole],
    )
  }
}

export async function exportsOf(session: Session, run: number): Promise<ExportRecord[]> {
  return session.rows<ExportRecord>('SELECT * FROM stoker.export WHERE run = $1 ORDER BY export', [run])
}

export interface KickoffFacts {
  readonly requestUrl: string
  readonly statusUrl: string
  readonly serverDate: Date | undefined
}

/** From here on a restart polls this export instead of asking for a new one. */
export async function recordKickoff(session: Session, id: number, kickoff: KickoffFacts, at: Date): Promise<void> {
  await session.run(
    `UPDATE stoker.export SET state = 'requested', request_url = $2, status_url = $3, server_date = $4::TIMESTAMPTZ,
       requested_at = $5::TIMESTAMPTZ WHERE export = $1`,
    [id, kickoff.requestUrl, kickoff.statusUrl, kickoff.serverDate?.toISOString() ?? null, at.toISOString()],
  )
}

export interface ManifestFacts {
  readonly transactionTime: Date
  readonly requiresToken: boolean
  readonly files: readonly ListedFile[]
}

export interface ListedFile {
  readonly kind: 'output' | 'deleted' | 'error'
  readonly ordinal: number
  readonly type: string | undefined
  readonly url: string
  readonly count: number | undefined
  /** Why the file is not fetched, when it is not. */
  readonly skip?: string | undefined
}

/** The manifest's files and the state that follows from them; call it in a transaction: both or neither. */
export async function recordManifest(
  session: Session,
  record: Pick<ExportRecord, 'export' | 'run'>,
  manifest: ManifestFacts,
  at: Date,
): Promise<void> {
  await session.run(
    `UPDATE stoker.export SET state = 'ready', ready_at = $2::TIMESTAMPTZ, transaction_time = $3::TIMESTAMPTZ,
       requires_token = $4 WHERE export = $1`,
    [record.export, at.toISOString(), manifest.transactionTime.toISOString(), manifest.requiresToken],
  )
  await session.run(
    `INSERT INTO stoker.file (file, export, run, ordinal, kind, type, url, state, claimed, note)
     SELECT nextval('stoker.file_number'), $1, $2, f.ordinal, f.kind, f.type, f.url,
       CASE WHEN f.skip IS NULL THEN 'listed' ELSE 'skipped' END, f.count, f.skip
     FROM (SELECT unnest(from_json($3::JSON, '[{"kind":"VARCHAR","ordinal":"INTEGER","type":"VARCHAR","url":"VARCHAR",
       "count":"BIGINT","skip":"VARCHAR"}]')) AS f)`,
    [record.export, record.run, JSON.stringify(manifest.files)],
  )
}

export async function recordReleased(session: Session, id: number): Promise<void> {
  await session.run(`UPDATE stoker.export SET state = 'released' WHERE export = $1`, [id])
}

/** Exports in the ledger: the server's jobs, each with what was asked and what its manifest said. */
import type { Session } from '../store/session.ts'

/** See `worker/export-life.ts` for what leads from one to the other. */
export type ExportState = 'planned' | 'requested' | 'ready' | 'landed' | 'released' | 'over'

/**
 * load: its resources become rows. members: it lists who is in a Group, and no more. newcomers: the whole history of
 * patients who joined it.
 */
export type ExportPurpose = 'load' | 'members' | 'newcomers'

/** What is asked beside types and `_since`; in the ledger, so that a restart asks the same. */
export interface RequestDetails {
  readonly elements?: readonly string[] | undefined
  readonly typeFilters?: readonly string[] | undefined
  /** Ids. */
  readonly patients?: readonly string[] | undefined
  readonly includeAssociatedData?: readonly string[] | undefined
  readonly organizeOutputBy?: string | undefined
  readonly allowPartialManifests?: boolean | undefined
}

export interface PlannedExport {
  readonly purpose: ExportPurpose
  readonly types: readonly string[]
  /** Sent as `_since`, as text: an instant of the server's, given back as it came. */
  readonly since: string | undefined
  /** True when it tells the whole present state of its types, so that what it lacks is deleted. */
  readonly whole: boolean
  readonly request: RequestDetails
  /** By type, what limits it: see {@link Watermark.filter}. */
  readonly filters: Readonly<Record<string, string>>
}

export interface ExportRecord {
  readonly export: number
  readonly run: number
  readonly purpose: ExportPurpose
  readonly types: readonly string[]
  readonly since: string | null
  readonly whole: boolean
  readonly request: RequestDetails
  readonly filters: Readonly<Record<string, string>>
  readonly state: ExportState
  readonly request_url: string | null
  readonly status_url: string | null
  readonly server_date: Date | null
  readonly requested_at: Date | null
  readonly ready_at: Date | null
  readonly transaction_time: Date | null
  readonly requires_token: boolean | null
  readonly etag: string | null
}

export async function planExports(session: Session, run: number, exports: readonly PlannedExport[]): Promise<void> {
  for (const { purpose, types, since, whole, request, filters } of exports) {
    await session.run(
      `INSERT INTO stoker.export (export, run, purpose, types, since, whole, request, filters, state)
       VALUES (nextval('stoker.export_number'), $1, $2, from_json($3::JSON, '["VARCHAR"]'), $4, $5, $6::JSON, $7::JSON, 'planned')`,
      [run, purpose, JSON.stringify(types), since ?? null, whole, JSON.stringify(request), JSON.stringify(filters)],
    )
  }
}

export async function exportsOf(session: Session, run: number): Promise<ExportRecord[]> {
  const rows = await session.rows<ExportRow>('SELECT * FROM stoker.export WHERE run = $1 ORDER BY export', [run])
  return rows.map(exportRecord)
}

export async function exportOf(session: Session, id: number): Promise<ExportRecord | undefined> {
  const row = await session.first<ExportRow>('SELECT * FROM stoker.export WHERE export = $1', [id])
  return row === undefined ? undefined : exportRecord(row)
}

type ExportRow = Omit<ExportRecord, 'request' | 'filters'> & { readonly request: string; readonly filters: string }

function exportRecord(row: ExportRow): ExportRecord {
  return {
    ...row,
    request: JSON.parse(row.request) as RequestDetails,
    filters: JSON.parse(row.filters) as Record<string, string>,
  }
}

/** Turns an export that was not asked for yet into one of the whole history of its types. */
export async function makeWhole(session: Session, id: number, since: string | undefined): Promise<void> {
  await session.run(`UPDATE stoker.export SET since = $2, whole = true WHERE export = $1 AND state = 'planned'`, [
    id,
    since ?? null,
  ])
}

export interface KickoffFacts {
  readonly requestUrl: string
  /** None of a published manifest: there is nothing to wait for, or to delete. */
  readonly statusUrl: string | undefined
  readonly serverDate: Date | undefined
}

/** From here on a restart polls this export instead of asking for a new one. */
export async function recordKickoff(session: Session, id: number, kickoff: KickoffFacts, at: Date): Promise<void> {
  await session.run(
    `UPDATE stoker.export SET state = 'requested', request_url = $2, status_url = $3, server_date = $4::TIMESTAMPTZ,
       requested_at = $5::TIMESTAMPTZ WHERE export = $1`,
    [id, kickoff.requestUrl, kickoff.statusUrl ?? null, kickoff.serverDate?.toISOString() ?? null, at.toISOString()],
  )
}

export interface ManifestFacts {
  readonly transactionTime: Date
  readonly requiresToken: boolean
}

/** What every page of the manifest says alike. */
export async function recordManifest(session: Session, id: number, manifest: ManifestFacts): Promise<void> {
  await session.run(
    'UPDATE stoker.export SET transaction_time = $2::TIMESTAMPTZ, requires_token = $3 WHERE export = $1',
    [id, manifest.transactionTime.toISOString(), manifest.requiresToken],
  )
}

export async function recordEtag(session: Session, id: number, etag: string | undefined): Promise<void> {
  await session.run('UPDATE stoker.export SET etag = $2 WHERE export = $1', [id, etag ?? null])
}

/** A published manifest that is still the one whose rows are committed: it lists nothing, and nothing is missing. */
export async function recordUnchanged(
  session: Session,
  id: number,
  transactionTime: Date,
  etag: string | undefined,
): Promise<void> {
  await session.run(
    `UPDATE stoker.export SET transaction_time = $2::TIMESTAMPTZ, requires_token = false, whole = false, etag = $3
     WHERE export = $1`,
    [id, transactionTime.toISOString(), etag ?? null],
  )
}

export async function moveExport(session: Session, id: number, state: ExportState, at: Date): Promise<void> {
  const time = state === 'ready' ? ', ready_at = $3::TIMESTAMPTZ' : ''
  await session.run(
    `UPDATE stoker.export SET state = $2 ${time} WHERE export = $1`,
    state === 'ready' ? [id, state, at.toISOString()] : [id, state],
  )
}

/** The ETag of the published manifest that was committed last, with its run. */
export async function lastEtag(
  session: Session,
  source: string,
): Promise<{ readonly etag: string; readonly run: number } | undefined> {
  // A run that found nothing new has the ETag too, and moved no watermark but its own.
  return session.first(
    `SELECT e.etag, e.run FROM stoker.export AS e JOIN stoker.run AS r USING (run)
     WHERE r.source = $1 AND r.committed_at IS NOT NULL AND e.etag IS NOT NULL ORDER BY export DESC LIMIT 1`,
    [source],
  )
}

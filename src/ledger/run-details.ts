/** All that the ledger knows of runs, for an operator at night: from the database, or from a snapshot's tables. */
import { sqlText } from '../core/sql.ts'
import type { LossCounts, TypeCounts, ViewCounts } from './books.ts'
import type { ExportPurpose, ExportState } from './exports.ts'
import type { FileRecord } from './files.ts'
import type { PhaseSpell } from './phases.ts'
import type { RunRecord } from './runs.ts'

/** Rows of one SELECT. A snapshot has the columns that are asked for here under the same names as the database. */
export type Ask = <T extends object>(sql: string) => Promise<T[]>

export interface RunDetails {
  readonly run: RunRecord
  readonly phases: readonly PhaseSpell[]
  readonly exports: readonly ExportDetails[]
  readonly files: readonly FileDetails[]
  readonly rejects: readonly RejectCount[]
  readonly messages: readonly MessageCount[]
  readonly findings: readonly FindingCount[]
  readonly types: readonly TypeCounts[]
  readonly tables: readonly ViewCounts[]
  readonly losses: readonly LossCounts[]
  /** That it was published as; null where it was not, or the snapshot that is read is it. */
  readonly snapshot: number | null
}

export interface ExportDetails {
  readonly export: number
  readonly purpose: ExportPurpose
  readonly types: readonly string[]
  readonly since: string | null
  readonly whole: boolean
  readonly state: ExportState
  readonly request_url: string | null
  readonly requested_at: Date | null
  readonly ready_at: Date | null
  readonly transaction_time: Date | null
}

/** Its URL has no query. */
export type FileDetails = Pick<
  FileRecord,
  'file' | 'export' | 'kind' | 'ordinal' | 'type' | 'url' | 'state' | 'note' | 'sha256' | 'claimed' | 'bytes' | 'lines'
> &
  Pick<FileRecord, 'blanks' | 'resources' | 'rejects' | 'headers'> & { readonly tries: number | null }

/** Rejects of one file with one reason. */
export interface RejectCount {
  readonly file: number
  readonly reason: string
  readonly count: number
  readonly first_line: number
  readonly first_byte_offset: number
}

export interface MessageCount {
  readonly severity: string | null
  readonly code: string | null
  readonly count: number
}

export interface FindingCount {
  readonly type: string | null
  readonly code: string
  readonly count: number
}

/** Undefined where there is no such run. */
export async function runDetails(ask: Ask, run: number): Promise<RunDetails | undefined> {
  const [record] = await ask<RunRecord>(`SELECT * FROM stoker.run WHERE run = ${run}`)
  if (record === undefined) return undefined
  const of = (table: string, columns: string, order: string) =>
    `SELECT ${columns} FROM stoker.${table} WHERE run = ${run} ORDER BY ${order}`
  const [published] = await ask<{ snapshot: number | null }>(
    `SELECT max(snapshot) AS snapshot FROM stoker.snapshot WHERE run = ${run}`,
  )
  return {
    run: record,
    phases: await ask(of('run_phase', 'phase, started_at, ended_at', 'started_at')),
    exports: await ask(
      of(
        'export',
        'export, purpose, types, since, whole, state, request_url, requested_at, ready_at, transaction_time',
        'export',
      ),
    ),
    files: await ask(of('file', FILE_COLUMNS, 'file')),
    rejects: await ask(of('reject_count', '* EXCLUDE (run)', 'file, first_line')),
    messages: await ask(
      `SELECT severity, code, sum(count)::BIGINT AS count FROM stoker.message WHERE run = ${run} GROUP BY ALL ORDER BY ALL`,
    ),
    findings: await ask(
      `SELECT type, code, sum(count)::BIGINT AS count FROM stoker.finding WHERE run = ${run} GROUP BY ALL ORDER BY code, type`,
    ),
    types: await ask(of('run_type', '* EXCLUDE (run)', 'type')),
    tables: await ask(of('run_view', '* EXCLUDE (run)', 'view_table')),
    losses: await ask(of('run_loss', '* EXCLUDE (run)', 'ALL')),
    snapshot: published?.snapshot ?? null,
  }
}

const FILE_COLUMNS = `file, export, kind, ordinal, type, split_part(url, '?', 1) AS url, state, claimed, bytes, lines, blanks,
  resources, rejects, headers, sha256, tries, note`

/** A run with its sums. */
export interface RunLine extends RunRecord {
  readonly files: number
  readonly bytes: number
  readonly resources: number
  readonly rejects: number
  /** Resources inserted, updated and deleted. */
  readonly changed: number
  /** Types whose watermark it held. */
  readonly held: number
}

export interface RunsAsked {
  /** All of them where none is named. */
  readonly sources?: readonly string[]
  /** All where there is none. */
  readonly limit?: number | undefined
  /** This one alone. */
  readonly run?: number | undefined
  /** The newest of each source alone. */
  readonly newestOnly?: boolean | undefined
  /** Older ones than this. */
  readonly before?: number | undefined
  /** Those alone that were given up, or were stopped by an error and not finished since. */
  readonly failed?: boolean | undefined
}

/** Newest first. */
export async function runLines(ask: Ask, asked: RunsAsked): Promise<RunLine[]> {
  const { sources = [], run, newestOnly, before, limit, failed } = asked
  const where = [
    ...(sources.length === 0 ? [] : [`source IN (${sources.map(sqlText).join(', ')})`]),
    ...(run === undefined ? [] : [`run = ${run}`]),
    ...(newestOnly ? ['run IN (SELECT max(run) FROM stoker.run GROUP BY source)'] : []),
    ...(before === undefined ? [] : [`run < ${before}`]),
    ...(failed ? [`(state IN ('abandoned', 'failed') OR (error_code IS NOT NULL AND state <> 'done'))`] : []),
  ]
  const chosen = [
    'FROM stoker.run',
    ...(where.length === 0 ? [] : [`WHERE ${where.join(' AND ')}`]),
    'ORDER BY run DESC',
    ...(limit === undefined ? [] : [`LIMIT ${limit}`]),
  ]
  return ask(`
    WITH chosen AS (${chosen.join(' ')})
    SELECT r.*, coalesce(f.files, 0) AS files, coalesce(f.bytes, 0) AS bytes, coalesce(f.resources, 0) AS resources,
      coalesce(f.rejects, 0) AS rejects, coalesce(t.changed, 0) AS changed, coalesce(t.held, 0) AS held
    FROM chosen AS r
    LEFT JOIN (SELECT run, count(*) AS files, sum(bytes)::BIGINT AS bytes, sum(resources)::BIGINT AS resources,
        sum(rejects)::BIGINT AS rejects FROM stoker.file GROUP BY run) AS f ON f.run = r.run
    LEFT JOIN (SELECT run, sum(inserted + updated + deleted)::BIGINT AS changed, count(held) AS held
        FROM stoker.run_type GROUP BY run) AS t ON t.run = r.run
    ORDER BY r.run DESC`)
}

/** Where a row comes from: every version its resource had here, each with its run, its file and its line. */
import { sqlName, sqlText } from '../core/sql.ts'
import type { Ask } from './run-details.ts'
import type { RunMode } from './runs.ts'

/** How a deletion was learnt; see `stoker.resource`. */
export type DeletedBy = 'reported' | 'missing' | 'left'

/** One version of a resource, or its deletion, as it was in force from a run until another. */
export interface Version {
  /** Null: a version, alive. */
  readonly deleted_by: DeletedBy | null
  /** As the server numbers them; null where it does not, or where a snapshot is read. */
  readonly version: number | null
  readonly last_updated: Date | null
  readonly run: number
  readonly mode: RunMode
  readonly started_at: Date
  readonly committed_at: Date | null
  readonly stoker_version: string
  /** Null of a deletion that nothing tells, but only the lack of the resource. */
  readonly file: number | null
  readonly line: number | null
  readonly kind: 'output' | 'deleted' | null
  /** Its place in its list of the manifest. */
  readonly ordinal: number | null
  /** Without its query. */
  readonly url: string | null
  readonly bytes: number | null
  readonly lines: number | null
  readonly sha256: string | null
  readonly request_url: string | null
  readonly since: string | null
  readonly transaction_time: Date | null
  /** When the server's state was as it tells: the safe watermark of its export; null where a snapshot is read. */
  readonly exported_at: Date | null
  /** The run that brought what took its place; null: it is in force. */
  readonly until_run: number | null
  readonly until_at: Date | null
}

/** A view table, and the definition its rows are made by. */
export interface LineageTable {
  readonly name: string
  readonly resource: string
  readonly hash: string
}

export async function lineageTables(ask: Ask): Promise<LineageTable[]> {
  return ask<LineageTable>('SELECT name, resource, hash FROM stoker.view_table ORDER BY name')
}

/** A key in its three parts. */
export interface ResourceKey {
  readonly source: string
  readonly type: string
  readonly id: string
}

/** Sources that know the resource: in the database also those of which it was deleted. */
export async function sourcesOf(
  ask: Ask,
  table: string,
  { type, id }: Omit<ResourceKey, 'source'>,
  live: boolean,
): Promise<string[]> {
  const ofIt = `type = ${sqlText(type)} AND id = ${sqlText(id)}`
  const sql = live
    ? `SELECT source FROM stoker.resource WHERE ${ofIt}`
    : `SELECT DISTINCT _source AS source FROM main.${sqlName(table)} WHERE _resource_key = _source || ${sqlText(`/${type}/${id}`)}`
  return (await ask<{ source: string }>(`${sql} ORDER BY source`)).map(({ source }) => source)
}

export async function countRowsOf(ask: Ask, table: string, key: ResourceKey): Promise<number> {
  const [row] = await ask<{ rows: number }>(
    `SELECT count(*) AS rows FROM main.${sqlName(table)} WHERE _resource_key = ${keyText(key)}`,
  )
  return row!.rows
}

/** Every version, the one in force first. Of a resource that was never seen there is none. */
export async function versionsOf(ask: Ask, { source, type, id }: ResourceKey): Promise<Version[]> {
  const where = `source = ${sqlText(source)} AND type = ${sqlText(type)} AND id = ${sqlText(id)}`
  const columns = 'deleted_by, version, last_updated, exported_at, run, file, line'
  return versions(
    ask,
    `SELECT ${columns}, NULL::INTEGER AS until_run FROM stoker.resource WHERE ${where}
     UNION ALL SELECT ${columns}, until_run FROM stoker.resource_past WHERE ${where}`,
  )
}

/** The version that a snapshot's rows are made from, by their own columns: none where there are no rows. */
export async function versionInForce(ask: Ask, table: string, key: ResourceKey): Promise<Version[]> {
  return versions(
    ask,
    `SELECT DISTINCT NULL::VARCHAR AS deleted_by, NULL::BIGINT AS version, _last_updated AS last_updated,
       NULL::TIMESTAMPTZ AS exported_at, _run AS run, _file AS file, _line AS line, NULL::INTEGER AS until_run
     FROM main.${sqlName(table)} WHERE _resource_key = ${keyText(key)}`,
  )
}

function versions(ask: Ask, of: string): Promise<Version[]> {
  return ask<Version>(`
    SELECT v.deleted_by, v.version, v.last_updated, v.run, r.mode, r.started_at, r.committed_at, r.stoker_version, v.file, v.line,
      f.kind, f.ordinal, split_part(f.url, '?', 1) AS url, f.bytes, f.lines, f.sha256, e.request_url, e.since, e.transaction_time,
      v.exported_at, v.until_run, u.committed_at AS until_at
    FROM (${of}) AS v
    LEFT JOIN stoker.run AS r ON r.run = v.run
    LEFT JOIN stoker.run AS u ON u.run = v.until_run
    LEFT JOIN stoker.file AS f ON f.file = v.file
    LEFT JOIN stoker.export AS e ON e.export = f.export
    ORDER BY r.commit_number DESC NULLS FIRST, v.run DESC`)
}

function keyText({ source, type, id }: ResourceKey): string {
  return sqlText(`${source}/${type}/${id}`)
}

/** What came of a version when it came. */
export type Coming = 'created' | 'updated' | 're-created' | DeletedBy

/** @param versions newest first, as {@link versionsOf} gives them */
export function comingOf(versions: readonly Version[], i: number): Coming {
  const { deleted_by } = versions[i]!
  if (deleted_by !== null) return deleted_by
  const before = versions[i + 1]
  if (before === undefined) return 'created'
  return before.deleted_by === null ? 'updated' : 're-created'
}

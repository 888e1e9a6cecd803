/** Deletions: reported in `deleted` Bundles, or seen in what a whole export lacks. */
import { sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import { rawRelation } from '../../store/raw-log.ts'
import type { Leavers } from './leavers.ts'
import type { LandedFile } from './received.ts'

/** Types of a whole export of which every file came, so that a held resource it lacks is deleted. */
export interface WholeTypes {
  readonly types: readonly string[]
  readonly exportedAt: Date
}

/** `Type/id`, relative or absolute, with or without a version or a query. */
export const DELETION_URL = '^(?:[^?#]*/)?([A-Z][A-Za-z]+)/([^/?#]+?)(?:/_history/[^/?#]+)?(?:[?#].*)?$'

export interface TombstoneInput {
  readonly run: number
  readonly source: string
  readonly types: readonly string[]
  readonly files: readonly LandedFile[]
  /** Types of which something may be missing. */
  readonly held?: ReadonlySet<string> | undefined
  readonly whole: readonly WholeTypes[]
  readonly leavers?: Leavers | undefined
}

/** Entries of a file's Bundles that name no resource Stoker could delete, such as a conditional deletion. */
export interface NotUnderstood {
  readonly file: number
  readonly count: number
}

/**
 * Makes the temporary table `_tombstone (type, id, exported_at, run, file, line, deleted_by)`: one row for each deletion
 * that counts, and takes out of `_change` what is deleted. After {@link compareReceived} and {@link gatherDeparted}, whose
 * tables it reads: a resource that the same export, or a later one of the run, also brought is alive (Bulk Data Access,
 * "Response - Output Manifest": what is in `deleted` SHALL NOT be in `output`). What an earlier run brought was before it.
 */
export async function gatherTombstones(
  session: Session,
  { run, source, types, files, held, whole, leavers }: TombstoneInput,
): Promise<NotUnderstood[]> {
  await session.run(`CREATE OR REPLACE TEMP TABLE _tombstone (type VARCHAR, id VARCHAR, exported_at TIMESTAMPTZ,
    run INTEGER, file INTEGER, line BIGINT, deleted_by VARCHAR)`)
  const notUnderstood: NotUnderstood[] = []
  for (const each of files.filter(({ kind }) => kind === 'deleted')) {
    const count = await gatherReported(session, types, held ?? new Set(), each)
    if (count > 0) notUnderstood.push({ file: each.file, count })
  }
  for (const { types: complete, exportedAt } of whole) {
    if (complete.length === 0) continue
    await session.run(
      `INSERT INTO temp._tombstone
       SELECT type, id, $2::TIMESTAMPTZ, $3, NULL, NULL, 'missing' FROM stoker.resource AS h
       WHERE source = $1 AND deleted_by IS NULL AND type IN (${complete.map(sqlText).join(', ')})
         AND NOT EXISTS (FROM temp._received AS r WHERE r.type = h.type AND r.id = h.id)
         ${leavers?.policy === 'keep' ? 'AND NOT EXISTS (FROM temp._departed AS d WHERE d.type = h.type AND d.id = h.id AND NOT d.back)' : ''}`,
      [source, exportedAt.toISOString(), run],
    )
  }
  if (leavers?.policy === 'remove') {
    await inferFromDeparted(session, "'left'", 'NOT back', leavers.at, run)
  }
  if (leavers?.returned !== undefined) {
    const came = `back AND type IN (${['', ...leavers.returned.types].map(sqlText).join(', ')})`
    const isMissing = 'NOT EXISTS (FROM temp._received AS r WHERE r.type = _departed.type AND r.id = _departed.id)'
    await inferFromDeparted(session, "'missing'", `${came} AND ${isMissing}`, leavers.at, run)
  }
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _tombstone AS
     SELECT type, id, max(exported_at) AS exported_at, arg_max(run, (exported_at, file, line)) AS run,
       arg_max(file, (exported_at, file, line)) AS file, arg_max(line, (exported_at, file, line)) AS line, max(deleted_by) AS deleted_by -- 'reported' outranks 'missing', and that 'left'
     FROM temp._tombstone AS t
     WHERE NOT EXISTS (FROM temp._received AS r WHERE r.type = t.type AND r.id = t.id AND r.exported_at >= t.exported_at)
     GROUP BY type, id`,
  )
  // An earlier export of the same run may have brought what a later one reports as deleted.
  await session.run('DELETE FROM temp._change AS c USING temp._tombstone AS t WHERE c.type = t.type AND c.id = t.id')
  // A deletion that is known already stays the one it is.
  await session.run(
    `DELETE FROM temp._tombstone AS t USING stoker.resource AS h WHERE h.source = $1 AND h.type = t.type AND h.id = t.id
       AND (h.run >= t.run OR h.deleted_by = 'reported' OR (h.deleted_by IS NOT NULL AND t.deleted_by <> 'reported'))`,
    [source],
  )
  return notUnderstood
}

async function inferFromDeparted(session: Session, deletedBy: string, where: string, at: Date, run: number) {
  await session.run(
    `INSERT INTO temp._tombstone SELECT type, id, $1::TIMESTAMPTZ, $2, NULL, NULL, ${deletedBy} FROM temp._departed WHERE ${where}`,
    [at.toISOString(), run],
  )
}

/**
 * Deletions of the types that their export was asked for: some servers list those of all. Of a held type the line that
 * creates a deleted resource again may be what is missing: the deletion is dated by the earliest time it may have happened,
 * so that the re-creation is later, whenever it comes.
 */
async function gatherReported(
  session: Session,
  types: readonly string[],
  held: ReadonlySet<string>,
  file: LandedFile,
): Promise<number> {
  const asked = types.filter((type) => file.types?.includes(type) ?? true)
  await session.run(
    `
    CREATE OR REPLACE TEMP TABLE _reported AS
    SELECT regexp_extract(url, '${DELETION_URL}', ['type', 'id']) AS deleted, run, file, line
    FROM (
      SELECT coalesce(e.request.url, e.fullUrl, '') AS url, e.request."method" AS "method", run, file, line
      FROM (
        SELECT unnest(from_json(json, '{"entry":[{"fullUrl":"VARCHAR","request":{"method":"VARCHAR","url":"VARCHAR"}}]}').entry) AS e,
          run, file, line
        FROM ${rawRelation([file.rawPath])}))
    WHERE upper(coalesce("method", 'DELETE')) = 'DELETE'`,
  )
  await session.run(
    `INSERT INTO temp._tombstone
     SELECT deleted.type, deleted.id, CASE WHEN deleted.type IN (${['', ...held].map(sqlText).join(', ')}) THEN $2 ELSE $1 END::TIMESTAMPTZ,
       run, file, line, 'reported' FROM temp._reported
     WHERE deleted.type IN (${['', ...asked].map(sqlText).join(', ')})`,
    [file.exportedAt.toISOString(), (file.since ?? file.exportedAt).toISOString()],
  )
  const row = await session.first<{ count: number }>(
    `SELECT count(*) AS count FROM temp._reported WHERE coalesce(deleted.id, '') = ''`,
  )
  await session.run('DROP TABLE temp._reported')
  return row?.count ?? 0
}

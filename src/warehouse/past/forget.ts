/** How far back the past is told: what of it goes as `rawLog.keep` says, and since which commit all of it is there. */
import { sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import type { Keeping } from '../keeping.ts'
import { DELETED_COLUMN } from '../tables/view.ts'

export type RetentionRule = Pick<Keeping, 'rawLog' | 'deletions'>

/**
 * From which commit on the past can be told of every source, or of one: what was before was let go, as `rawLog.keep` says.
 * 0 where all of it is there.
 */
export async function earliestWholeCommit(session: Session, source?: string): Promise<number> {
  const row = await session.first<{ since: number | null }>(
    `SELECT max(whole_since) AS since FROM stoker.history ${source === undefined ? '' : `WHERE source = ${sqlText(source)}`}`,
  )
  return row?.since ?? 0
}

/**
 * A SELECT of the rows of the past that go: of `latest` all, of days those that were replaced before them; undefined where
 * nothing goes. Where rows of deleted resources stay, or the newest commit's tables still have them, so does the last content
 * before every deletion that stays.
 */
export function pastThatGoes(source: string, { rawLog, deletions }: RetentionRule, now: Date): string | undefined {
  const before = replacedBefore(rawLog, now)
  if (before === undefined) return undefined
  const going = `SELECT * FROM stoker.resource_past WHERE source = ${sqlText(source)} AND ${before}`
  const stays =
    deletions === 'keep'
      ? 'true'
      : `EXISTS (${COMMITS_KEEPING_DELETED} AND commit_number = (SELECT max(commit_number) FROM stoker.run))`
  return `SELECT * FROM (${going}) WHERE deleted_by IS NOT NULL OR NOT ${stays}
    OR (type, id, until_run) NOT IN (${lastContents(source, before)})`
}

/** Of a row of the past, whether it goes. */
function replacedBefore(rawLog: RetentionRule['rawLog'], now: Date): string | undefined {
  if (rawLog === 'all') return undefined
  if (rawLog === 'latest') return 'true'
  return `until_run IN (SELECT run FROM stoker.run WHERE committed_at < ${sqlText(daysBefore(now, rawLog.days))}::TIMESTAMPTZ)`
}

/** A SELECT of `(type, id, until_run)` of the content before every deletion that is in the index or stays in its past. */
function lastContents(source: string, goes: string): string {
  const ofSource = `source = ${sqlText(source)}`
  return `SELECT (c.type, c.id, max(c.until_run)) FROM stoker.resource_past AS c JOIN (
      SELECT type, id, run FROM stoker.resource WHERE ${ofSource} AND deleted_by IS NOT NULL
      UNION ALL SELECT type, id, run FROM stoker.resource_past WHERE ${ofSource} AND deleted_by IS NOT NULL AND NOT ${goes}
    ) AS gone ON gone.type = c.type AND gone.id = c.id AND c.until_run <= gone.run
    WHERE c.${ofSource} AND c.deleted_by IS NULL GROUP BY c.type, c.id, gone.run`
}

/** Commits after which a table had rows of deleted resources, be it from a change of the view before the next; with its resource. */
const COMMITS_KEEPING_DELETED = `SELECT u.commit_number, d.resource FROM (
    SELECT commit_number, view_table AS name, view_hash AS hash FROM stoker.run JOIN stoker.run_view USING (run)
    UNION ALL SELECT commit_number, name, hash FROM stoker.view_use ASOF JOIN (
      FROM stoker.run WHERE commit_number IS NOT NULL) AS r ON r.committed_at <= since
  ) AS u JOIN stoker.view_definition AS d USING (name, hash)
  WHERE commit_number IS NOT NULL AND list_contains(json_extract_string(d.columns, '$[*].name'), ${sqlText(DELETED_COLUMN.name)})`

function daysBefore(now: Date, days: number): string {
  return new Date(now.getTime() - days * 86_400_000).toISOString()
}

/** Lets the past go that {@link pastThatGoes} names, and notes since when it is whole; call it in a transaction. */
export async function forgetPast(session: Session, source: string, rule: RetentionRule, now: Date): Promise<number> {
  const going = pastThatGoes(source, rule, now)
  if (going === undefined) return 0
  await session.run(`CREATE OR REPLACE TEMP TABLE _forgotten AS ${going}`)
  const last = await session.first<{ commit: number | null }>(
    'SELECT max(commit_number) AS commit FROM stoker.run WHERE run IN (SELECT until_run FROM temp._forgotten)',
  )
  const afterKept = await commitAfterKept(session, source, replacedBefore(rule.rawLog, now)!)
  const count = await session.run(
    `DELETE FROM stoker.resource_past AS p USING temp._forgotten AS f WHERE p.source = f.source AND p.type = f.type AND p.id = f.id
       AND p.run = f.run AND p.until_run = f.until_run`,
  )
  await session.run('DROP TABLE temp._forgotten')
  if (last?.commit == null) return count
  const since = Math.max(last.commit, afterKept, await earliestWholeCommit(session, source))
  await session.run('DELETE FROM stoker.history WHERE source = $1', [source])
  await session.run('INSERT INTO stoker.history VALUES ($1, $2)', [source, since])
  return count
}

/** Tables up to a commit had rows of deleted resources whose content is now forgotten: the commit after, 0 where none had. */
async function commitAfterKept(session: Session, source: string, goes: string): Promise<number> {
  const row = await session.first<{ commit: number | null }>(
    `WITH kept AS (
       SELECT max(commit_number) AS commit FROM (${COMMITS_KEEPING_DELETED}) AS k SEMI JOIN (
         SELECT type FROM temp._forgotten WHERE deleted_by IS NULL AND (type, id, until_run) IN (${lastContents(source, goes)})
       ) AS f ON f.type = k.resource)
     SELECT coalesce(min(commit_number), (SELECT commit + 1 FROM kept)) AS commit FROM stoker.run
     WHERE commit_number > (SELECT commit FROM kept)`,
  )
  return row?.commit ?? 0
}

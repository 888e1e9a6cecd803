/** Which lines of the raw log stay: those the index and its past refer to, and, where all versions stay, each content once. */
import { sqlText } from '../../core/sql.ts'
import { rawRelation } from '../../store/raw-log.ts'
import type { Session } from '../../store/session.ts'
import type { Keeping } from '../keeping.ts'

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
 * A SELECT of the rows of the past that go: of `latest` all, of days those that were replaced before them. Where rows of
 * deleted resources stay, so does the last content of each; undefined where nothing goes.
 */
export function pastThatGoes(source: string, { rawLog, deletions }: RetentionRule, now: Date): string | undefined {
  if (rawLog === 'all') return undefined
  const ofSource = `source = ${sqlText(source)}`
  const before =
    rawLog === 'latest'
      ? 'true'
      : `until_run IN (SELECT run FROM stoker.run WHERE committed_at < ${sqlText(daysBefore(now, rawLog.days))}::TIMESTAMPTZ)`
  const going = `SELECT * FROM stoker.resource_past WHERE ${ofSource} AND ${before}`
  if (deletions === 'remove') return going
  return `SELECT * FROM (${going}) AS p WHERE p.deleted_by IS NOT NULL OR NOT EXISTS (
    SELECT 1 FROM (
      SELECT type, id, max(until_run) AS until_run FROM stoker.resource_past WHERE ${ofSource} AND deleted_by IS NULL
      GROUP BY type, id) AS last
    SEMI JOIN (SELECT type, id FROM stoker.resource WHERE ${ofSource} AND deleted_by IS NOT NULL) AS dead USING (type, id)
    WHERE last.type = p.type AND last.id = p.id AND last.until_run = p.until_run)`
}

function daysBefore(now: Date, days: number): string {
  return new Date(now.getTime() - days * 86_400_000).toISOString()
}

/** Lets the past go that {@link pastThatGoes} names, and notes since when it is whole; call it in a transaction. */
export async function forgetPast(session: Session, source: string, rule: RetentionRule, now: Date): Promise<number> {
  const going = pastThatGoes(source, rule, now)
  if (going === undefined) return 0
  await session.run(`CREATE OR REPLACE TEMP TABLE forgotten AS ${going}`)
  const last = await session.first<{ commit: number | null }>(
    'SELECT max(commit_number) AS commit FROM stoker.run WHERE run IN (SELECT until_run FROM forgotten)',
  )
  const count = await session.run(
    `DELETE FROM stoker.resource_past AS p USING forgotten AS f WHERE p.source = f.source AND p.type = f.type AND p.id = f.id
       AND p.run = f.run AND p.until_run = f.until_run`,
  )
  await session.run('DROP TABLE temp.forgotten')
  if (last?.commit == null) return count
  const since = Math.max(last.commit, await earliestWholeCommit(session, source))
  await session.run('DELETE FROM stoker.history WHERE source = $1', [source])
  await session.run('INSERT INTO stoker.history VALUES ($1, $2)', [source, since])
  return count
}

/** Why a line goes. */
export type DropReason = 'repeated' | 'superseded'

export interface Dropped {
  readonly file: number
  readonly repeated: number
  readonly superseded: number
}

/**
 * Makes the temporary table `dropped (file, line, reason)`: the lines of these output files that nothing needs. A line
 * that the index or its past refers to stays. One that says what such a line says of the same resource is `repeated`. Any
 * other was never in force, or is no longer to be told of: where all versions stay it stays too, once, else it is
 * `superseded`. Gives how many, by file.
 */
export async function findDropped(
  session: Session,
  source: string,
  paths: readonly string[],
  { rule, now }: { readonly rule: RetentionRule; readonly now: Date },
): Promise<Dropped[]> {
  const going = pastThatGoes(source, rule, now)
  const past = `SELECT type, id, hash, file, line, run, until_run FROM stoker.resource_past WHERE source = ${sqlText(source)}`
  const stays =
    going === undefined ? past : `${past} EXCEPT SELECT type, id, hash, file, line, run, until_run FROM (${going})`
  await session.run(`
    CREATE OR REPLACE TEMP VIEW referred AS
    SELECT type, id, hash, file, line FROM stoker.resource WHERE source = ${sqlText(source)} AND deleted_by IS NULL
    UNION ALL SELECT type, id, hash, file, line FROM (${stays}) WHERE hash IS NOT NULL;
    CREATE OR REPLACE TEMP TABLE unreferred AS
    SELECT type, id, hash, file, line FROM ${rawRelation(paths)} AS l
    ANTI JOIN (SELECT file, line FROM referred) AS r USING (file, line);
    CREATE OR REPLACE TEMP TABLE dropped AS
    SELECT file, line, CASE WHEN again OR nth > 1 THEN 'repeated' ELSE 'superseded' END AS reason FROM (
      SELECT file, line, again, CASE WHEN again THEN 1 ELSE row_number() OVER (PARTITION BY again, type, id, hash ORDER BY file, line) END AS nth
      FROM (
        SELECT u.file, u.line, u.type, u.id, u.hash, r.id IS NOT NULL AS again FROM unreferred AS u
        LEFT JOIN (SELECT DISTINCT type, id, hash FROM referred SEMI JOIN unreferred USING (type, id, hash)) AS r USING (type, id, hash)))
    ${rule.rawLog === 'all' ? 'WHERE again OR nth > 1' : ''};
    DROP TABLE temp.unreferred;
    DROP VIEW temp.referred`)
  return session.rows<Dropped>(
    `SELECT file, count(*) FILTER (reason = 'repeated') AS repeated, count(*) FILTER (reason = 'superseded') AS superseded
     FROM dropped GROUP BY file ORDER BY file`,
  )
}

/**
 * The share of a source's lines that are likely to go, from counts the ledger has: no file is read for it.
 */
export async function droppableShare(
  session: Session,
  source: string,
  rule: RetentionRule,
  now: Date,
): Promise<number> {
  const going = pastThatGoes(source, rule, now)
  const row = await session.first<Record<'kept' | 'out' | 'unchanged' | 'held' | 'past' | 'going', number>>(
    `WITH done AS (SELECT run FROM stoker.run WHERE source = $1 AND state = 'done'),
       output AS (SELECT kept, resources FROM stoker.file SEMI JOIN done USING (run) WHERE kind = 'output' AND state = 'landed')
     SELECT (SELECT coalesce(sum(kept), 0)::BIGINT FROM output) AS kept,
       (SELECT coalesce(sum(resources - kept), 0)::BIGINT FROM output) AS out,
       (SELECT coalesce(sum(unchanged), 0)::BIGINT FROM stoker.run_type SEMI JOIN done USING (run)) AS unchanged,
       (SELECT count(*) FROM stoker.resource WHERE source = $1 AND deleted_by IS NULL) AS held,
       (SELECT count(*) FROM stoker.resource_past WHERE source = $1 AND deleted_by IS NULL) AS past,
       (SELECT count(*) FROM (${going ?? 'SELECT NULL AS deleted_by WHERE false'}) WHERE deleted_by IS NULL) AS going`,
    [source],
  )
  const { kept, out, unchanged, held, past, going: letGo } = row!
  // Where all stays, only what a run called unchanged may go, less what has gone: the rest is each content's only line.
  const droppable = rule.rawLog === 'all' ? unchanged - out : kept - held - (past - letGo)
  return kept === 0 ? 0 : Math.max(0, droppable) / kept
}

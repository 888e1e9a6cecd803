/** Which lines of the raw log stay: those the index and its past refer to, and, where all versions stay, each content once. */
import { batches } from '../../core/batches.ts'
import { sqlText } from '../../core/sql.ts'
import { FILES_AT_ONCE, rawRelation } from '../../store/raw-log.ts'
import type { Session } from '../../store/session.ts'
import { pastThatGoes, type RetentionRule } from '../past/forget.ts'

/** Why a line goes. */
export type DropReason = 'repeated' | 'superseded'

export interface Dropped {
  readonly file: number
  readonly repeated: number
  readonly superseded: number
}

/**
 * Makes the temporary table `_dropped (file, line, reason)`: the lines of these output files, of one or several of the
 * ledger's each, that nothing needs. A line
 * that the index or its past refers to stays. One that says what such a line says of the same resource is `repeated`. Any
 * other was never in force, or is no longer to be told of: where all versions stay it stays too, once, else it is
 * `superseded`. Gives how many, by file.
 */
export async function findDropped(
  session: Session,
  source: string,
  files: readonly { readonly path: string; readonly files: readonly number[] }[],
  { rule, now }: { readonly rule: RetentionRule; readonly now: Date },
): Promise<Dropped[]> {
  const going = pastThatGoes(source, rule, now)
  const past = `SELECT type, id, hash, file, line, run, until_run FROM stoker.resource_past WHERE source = ${sqlText(source)}`
  const stays =
    going === undefined ? past : `${past} EXCEPT SELECT type, id, hash, file, line, run, until_run FROM (${going})`
  await session.run(`
    CREATE OR REPLACE TEMP VIEW _referred AS
    SELECT type, id, hash, file, line FROM stoker.resource WHERE source = ${sqlText(source)} AND deleted_by IS NULL
    UNION ALL SELECT type, id, hash, file, line FROM (${stays}) WHERE hash IS NOT NULL;
    CREATE OR REPLACE TEMP TABLE _unreferred (type VARCHAR, id VARCHAR, hash UBIGINT, file INTEGER, line BIGINT)`)
  for (const some of batches(files, FILES_AT_ONCE)) {
    const numbers = some.flatMap((each) => each.files)
    await session.run(`
      INSERT INTO temp._unreferred SELECT type, id, hash, file, line FROM ${rawRelation(some.map(({ path }) => path))} ANTI JOIN (
        SELECT file, line FROM temp._referred WHERE file BETWEEN ${least(numbers)} AND ${greatest(numbers)}) AS r USING (file, line)`)
  }
  await session.run(`
    CREATE OR REPLACE TEMP TABLE _dropped AS
    SELECT file, line, CASE WHEN again OR nth > 1 THEN 'repeated' ELSE 'superseded' END AS reason FROM (
      SELECT file, line, again, CASE WHEN again THEN 1 ELSE row_number() OVER (PARTITION BY again, type, id, hash ORDER BY file, line) END AS nth
      FROM (
        SELECT u.file, u.line, u.type, u.id, u.hash, r.id IS NOT NULL AS again FROM temp._unreferred AS u
        LEFT JOIN (SELECT DISTINCT type, id, hash FROM temp._referred SEMI JOIN temp._unreferred USING (type, id, hash)) AS r USING (type, id, hash)))
    ${rule.rawLog === 'all' ? 'WHERE again OR nth > 1' : ''};
    DROP TABLE temp._unreferred;
    DROP VIEW temp._referred`)
  return session.rows<Dropped>(
    `SELECT file, count(*) FILTER (reason = 'repeated') AS repeated, count(*) FILTER (reason = 'superseded') AS superseded
     FROM temp._dropped GROUP BY file ORDER BY file`,
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

/** Of lists too long for arguments. */
const least = (numbers: readonly number[]) => numbers.reduce((a, b) => Math.min(a, b), Infinity)
const greatest = (numbers: readonly number[]) => numbers.reduce((a, b) => Math.max(a, b), -Infinity)

/** What a purge takes: the resources of which every version goes, and the lines of the raw log. */
import { batches } from '../../core/batches.ts'
import { sqlText } from '../../core/sql.ts'
import { FILES_AT_ONCE, rawRelation, rawRelationAt } from '../../store/raw-log.ts'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'
import { patientOf, patientStruct } from '../patient-reference.ts'
import { rawFilesOf } from '../upkeep/raw-files.ts'
import type { PurgeSubject } from './subject.ts'

export interface Selected {
  /** Resources of which every version goes, by type. */
  readonly resources: Readonly<Record<string, number>>
  /** Lines of the raw log. */
  readonly lines: number
}

/**
 * Fills `purge_key` and `purge_line` for a purge; call it in a transaction. A resource is a patient's when any version of
 * it ever named them. One that names somebody else now, or did when it was deleted, was put right: it stays, only its lines
 * of that time go.
 */
export async function select(session: Session, lake: Lake, purge: number, subject: PurgeSubject): Promise<Selected> {
  if (subject.kind === 'source') return everything(session, subject.source)
  const { kind, source, type, id } = subject
  const files = (await rawFilesOf(session, lake, source)).filter((file) => file.kind === 'output')
  const relations = batches(
    files.map((file) => lake.path(file.path)),
    FILES_AT_ONCE,
  ).map(rawRelation)
  await session.run(`CREATE OR REPLACE TEMP TABLE _named (type VARCHAR, id VARCHAR, file INTEGER, line BIGINT)`)
  if (kind === 'patient') await findNamed(session, relations, id)
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _candidate AS SELECT DISTINCT type, id FROM temp._named UNION SELECT $1, $2`,
    [type, id],
  )
  if (kind === 'patient') await dropOthers(session, lake, source, id)
  await session.run('INSERT INTO stoker.purge_key SELECT $1, $2, type, id FROM temp._candidate', [purge, source])
  await session.run('CREATE OR REPLACE TEMP TABLE _going AS SELECT file, line FROM temp._named')
  for (const lines of relations) {
    await session.run(
      `INSERT INTO temp._going SELECT file, line FROM ${lines} SEMI JOIN temp._candidate USING (type, id)`,
    )
  }
  await session.run('INSERT INTO stoker.purge_line SELECT DISTINCT $1, file, line FROM temp._going', [purge])
  const lines = (await session.first<{ count: number }>(
    'SELECT count(*) AS count FROM (SELECT DISTINCT * FROM temp._going)',
  ))!
  const held = await session.rows<{ type: string; count: number }>(
    `SELECT type, count(*) AS count FROM (
       SELECT DISTINCT type, id FROM (
         SELECT type, id FROM temp._named UNION ALL SELECT type, id FROM stoker.resource WHERE source = $1
         UNION ALL SELECT type, id FROM stoker.resource_past WHERE source = $1)
       SEMI JOIN temp._candidate USING (type, id)) GROUP BY type ORDER BY type`,
    [source],
  )
  for (const table of ['named', 'candidate', 'going']) await session.run(`DROP TABLE temp._${table}`)
  return { resources: Object.fromEntries(held.map((each) => [each.type, each.count])), lines: lines.count }
}

async function findNamed(session: Session, relations: readonly string[], id: string): Promise<void> {
  for (const lines of relations) {
    // What does not have the id in its text at all need not be taken apart.
    await session.run(
      `INSERT INTO temp._named SELECT type, id, file, line FROM (
         SELECT type, id, file, line, ${patientStruct('json')} AS p FROM ${lines} WHERE contains(json, ${sqlText(id)}))
       WHERE ${patientOf('type', 'id', 'p')} = ${sqlText(id)}`,
    )
  }
}

/** Takes out of `_candidate` what is another patient's by now, or was when it was deleted. */
async function dropOthers(session: Session, lake: Lake, source: string, id: string): Promise<void> {
  const ofSource = `source = ${sqlText(source)}`
  const places = `SELECT file, line FROM (
      SELECT type, id, file, line FROM stoker.resource WHERE ${ofSource} AND deleted_by IS NULL
      UNION ALL SELECT type, id, arg_max(file, until_run), arg_max(line, until_run) FROM stoker.resource_past
        SEMI JOIN (SELECT type, id FROM stoker.resource WHERE ${ofSource} AND deleted_by IS NOT NULL) AS dead USING (type, id)
        WHERE ${ofSource} AND deleted_by IS NULL GROUP BY type, id)
    SEMI JOIN temp._candidate USING (type, id) ANTI JOIN temp._named USING (file, line)`
  const paths = await session.rows<{ path: string }>(
    `SELECT DISTINCT raw_path AS path FROM stoker.file WHERE file IN (SELECT file FROM (${places})) ORDER BY path`,
  )
  for (const some of batches(paths, FILES_AT_ONCE)) {
    const lines = rawRelationAt(
      some.map(({ path }) => lake.path(path)),
      places,
    )
    await session.run(
      `DELETE FROM temp._candidate AS c USING (
         SELECT type, id FROM (SELECT type, id, ${patientStruct('json')} AS p FROM ${lines} WHERE type <> 'Patient')
         WHERE ${patientOf('type', 'id', 'p')} NOT IN ('', ${sqlText(id)})) AS o
       WHERE c.type = o.type AND c.id = o.id`,
    )
  }
}

async function everything(session: Session, source: string): Promise<Selected> {
  const held = await session.rows<{ type: string; count: number }>(
    `SELECT type, count(*) AS count FROM stoker.resource WHERE source = $1 GROUP BY type ORDER BY type`,
    [source],
  )
  const lines = await session.first<{ count: number }>(
    `SELECT coalesce(sum(kept), 0)::BIGINT AS count FROM stoker.file JOIN stoker.run AS r USING (run) WHERE r.source = $1`,
    [source],
  )
  return { resources: Object.fromEntries(held.map((each) => [each.type, each.count])), lines: lines!.count }
}

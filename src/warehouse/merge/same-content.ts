/** What only looks changed: the same resource, its keys in another order, its white space or escapes written otherwise. */
import { sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import { mergeShapes, type Shape, structOf } from './json-shape.ts'
import type { Lake } from '../lake.ts'
import { rawLines } from '../raw-lines.ts'

/**
 * Takes out of `_change` what is the held content in other words, and notes its hash in the index, so that the same text is
 * known at once the next time. After {@link compareReceived}. Both lines are read again only where the server itself says
 * that nothing has changed: the same instant and version, or neither. As everything else in it, a number's digits count.
 */
export async function dropSameContent(session: Session, lake: Lake, source: string): Promise<void> {
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _suspect AS
     SELECT c.type, c.id, c.hash, c.file, c.line, h.file AS held_file, h.line AS held_line
     FROM temp._change AS c JOIN stoker.resource AS h ON h.source = $1 AND h.type = c.type AND h.id = c.id
     WHERE c.kind = 'updated' AND c.subsetted = h.subsetted
       AND c.version IS NOT DISTINCT FROM h.version AND c.last_updated IS NOT DISTINCT FROM h.last_updated`,
    [source],
  )
  const types = await session.rows<{ type: string }>('SELECT DISTINCT type FROM temp._suspect ORDER BY type')
  for (const { type } of types) await dropOfType(session, lake, source, type)
  await session.run('DROP TABLE temp._suspect')
}

/**
 * A structure holds 1.50 as 1.5, though its digits tell how exact it is (FHIR R4, "decimal"): the numbers of a text, each with
 * its key, as a sorted list.
 */
const NUMBERS = `list_sort(list_transform(regexp_extract_all(json, '(?:"[^"]*"\\s*:|[,\\[])\\s*-?[0-9][0-9.eE+-]*'),
  lambda number: regexp_replace(number, '\\s', '', 'g')))`

async function dropOfType(session: Session, lake: Lake, source: string, type: string): Promise<void> {
  const places = (file: string, line: string) =>
    `SELECT ${file} AS file, ${line} AS line, NULL::TIMESTAMPTZ AS deleted_at FROM temp._suspect WHERE type = ${sqlText(type)}`
  const now = await rawLines(session, lake, places('file', 'line'))
  const before = await rawLines(session, lake, places('held_file', 'held_line'))
  const shapes: Shape[] = []
  for (const lines of [...now, ...before]) {
    const found = await session.first<{ shape: string }>(`SELECT json_group_structure(json) AS shape FROM ${lines}`)
    shapes.push(JSON.parse(found!.shape) as Shape)
  }
  const struct = structOf(shapes.reduce(mergeShapes))
  if (struct === undefined) return
  await session.run('CREATE OR REPLACE TEMP TABLE _content (id VARCHAR, is_new BOOLEAN, hash UBIGINT)')
  for (const [isNew, relations] of [
    [true, now],
    [false, before],
  ] as const) {
    for (const lines of relations) {
      await session.run(
        // To DuckDB's hash an empty list is NULL; as text they differ.
        `INSERT INTO temp._content SELECT id, ${isNew}, hash(value, value::VARCHAR, numbers) FROM (
           SELECT id, from_json(json, ${sqlText(JSON.stringify(struct))}) AS value, ${NUMBERS} AS numbers FROM ${lines})`,
      )
    }
  }
  const same = `SELECT s.id, s.hash FROM temp._suspect AS s JOIN temp._content AS n ON n.id = s.id AND n.is_new
    JOIN temp._content AS h ON h.id = s.id AND NOT h.is_new AND h.hash = n.hash WHERE s.type = ${sqlText(type)}`
  await session.run(
    `UPDATE stoker.resource AS h SET hash = same.hash FROM (${same}) AS same WHERE h.source = $1 AND h.type = $2 AND h.id = same.id`,
    [source, type],
  )
  await session.run(`DELETE FROM temp._change WHERE type = $1 AND id IN (SELECT id FROM (${same}))`, [type])
  await session.run('DROP TABLE temp._content')
}

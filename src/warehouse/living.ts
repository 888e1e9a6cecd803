/** The living resources' lines in the raw log: each at the place of its newest version. */
import { rawRelationAt } from '../store/raw-log.ts'
import type { Session } from '../store/session.ts'
import type { Lake } from './lake.ts'

/**
 * As a raw log relation in parentheses; undefined when there are none.
 * @param where a condition on the index, as SQL text
 */
export async function livingLines(session: Session, lake: Lake, where: string): Promise<string | undefined> {
  const places = `SELECT file, line FROM stoker.resource WHERE deleted_by IS NULL AND ${where}`
  const files = await session.rows<{ raw_path: string }>(
    `SELECT raw_path FROM stoker.file WHERE file IN (SELECT file FROM (${places})) ORDER BY file`,
  )
  if (files.length === 0) return undefined
  return rawRelationAt(
    files.map((file) => lake.path(file.raw_path)),
    places,
  )
}

/** Lines of the raw log by their places: what the view tables are filled from, be it an increment or a rebuild. */
import { batches } from '../core/batches.ts'
import { StokerError } from '../core/errors.ts'
import { rawRelation } from '../store/raw-log.ts'
import type { Session } from '../store/session.ts'
import type { Lake } from './lake.ts'

/** DuckDB keeps a buffer for each file it reads at a time; a server may cut an export into 20,000 of them. */
const FILES_AT_ONCE = 100

/**
 * The lines at `places`, as relations of some raw log files each, with a column more: `deleted_at TIMESTAMPTZ`. A file of
 * which every line is wanted (a first load, most of an increment) is read as it is; of others the lines are picked by a join.
 * @param places a SELECT of `(file, line, deleted_at)`, as SQL text; each place once
 * @throws StokerError RAW_LOG_BOOKS when more is wanted of a file than is in it
 */
export async function rawLines(session: Session, lake: Lake, places: string): Promise<string[]> {
  const files = await session.rows<RawFile>(
    `WITH wanted AS (SELECT file, count(*) AS wanted, count(deleted_at) AS deleted FROM (${places}) GROUP BY file)
     SELECT raw_path, sum(kept)::BIGINT AS kept, sum(wanted)::BIGINT AS wanted, sum(deleted)::BIGINT AS deleted,
       list(file ORDER BY file) FILTER (wanted IS NOT NULL) AS files
     FROM stoker.file LEFT JOIN wanted USING (file)
     WHERE raw_path IN (SELECT raw_path FROM stoker.file SEMI JOIN wanted USING (file)) GROUP BY raw_path ORDER BY min(file)`,
  )
  const odd = files.find(({ kept, wanted }) => wanted > kept)
  if (odd !== undefined) {
    throw new StokerError('RAW_LOG_BOOKS', `more lines of ${odd.raw_path} are in use than it holds`, {
      hint: 'this is an error of Stoker: report it with these numbers; nothing was committed',
      facts: { ...odd, files: odd.files.length },
    })
  }
  const pathsOf = (of: readonly RawFile[]) => of.map((file) => lake.path(file.raw_path))
  const isWhole = ({ kept, wanted, deleted }: RawFile) => wanted === kept && deleted === 0
  const whole = batches(files.filter(isWhole), FILES_AT_ONCE).map(
    (some) => `(SELECT *, NULL::TIMESTAMPTZ AS deleted_at FROM ${rawRelation(pathsOf(some))})`,
  )
  const parts = batches(
    files.filter((file) => !isWhole(file)),
    FILES_AT_ONCE,
  ).map((some) => {
    const here = `SELECT * FROM (${places}) WHERE file IN (${some.flatMap((file) => file.files).join(', ')})`
    return `(SELECT l.*, p.deleted_at FROM ${rawRelation(pathsOf(some))} AS l JOIN (${here}) AS p USING (file, line))`
  })
  return [...whole, ...parts]
}

interface RawFile {
  readonly raw_path: string
  /** Lines that are in it, that are wanted of it, and of these, that are of deleted resources. */
  readonly kept: number
  readonly wanted: number
  readonly deleted: number
  /** Those of which lines are wanted: several may share a path. */
  readonly files: readonly number[]
}

/** Lines of the raw log by their places: what the view tables are filled from, be it an increment or a rebuild. */
import { access } from 'node:fs/promises'
import { batches } from '../core/batches.ts'
import { StokerError } from '../core/errors.ts'
import { areLong, oneByOne, withoutGathering } from '../store/long-lines.ts'
import { FILES_AT_ONCE, rawRelation } from '../store/raw-log.ts'
import type { Session } from '../store/session.ts'
import type { Lake } from './lake.ts'

/**
 * The lines at `places`, as relations of some raw log files each, with a column more: `deleted_at TIMESTAMPTZ`. A file of
 * which every line is wanted (a first load, most of an increment) is read as it is; of others the lines are picked by a join.
 * @param places a SELECT of `(file, line, deleted_at)`, as SQL text; each place once
 * @throws StokerError RAW_LOG_BOOKS when more is wanted of a file than is in it, or anything of one that lies nowhere
 */
export async function rawLines(session: Session, lake: Lake, places: string): Promise<string[]> {
  const files = await wantedFiles(session, places)
  refuseOdd(files)
  await refuseMissing(files, lake)
  const long = files.filter(areLong)
  if (long.length > 0) await withoutGathering(session)
  const short = files.filter((file) => !areLong(file))
  const isWhole = ({ kept, wanted, deleted }: WantedFile) => wanted === kept && deleted === 0
  const some = (of: readonly WantedFile[], relation: (files: readonly WantedFile[], lines: string) => string[]) =>
    batches(of, FILES_AT_ONCE).flatMap((each) =>
      relation(each, rawRelation(each.map((file) => lake.path(file.raw_path ?? '')))),
    )
  return [
    ...some(short.filter(isWhole), (_, lines) => [withNoDeletion(lines)]),
    ...some(
      short.filter((file) => !isWhole(file)),
      (of, lines) => [atPlaces(lines, placesIn(places, of))],
    ),
    ...some(long.filter(isWhole), (_, lines) => [withNoDeletion(oneByOne(lines))]),
    ...some(
      long.filter((file) => !isWhole(file)),
      (of, lines) => longAtPlaces(lines, placesIn(places, of), of),
    ),
  ]
}

/** A file of the raw log, and how much of it is wanted. */
interface WantedFile {
  readonly raw_path: string | null
  /** Lines that are in it, that are wanted of it, and of these, that are of deleted resources. */
  readonly kept: number
  readonly wanted: number
  readonly deleted: number
  /** Those of which lines are wanted: several may share a path. */
  readonly files: readonly number[]
  /** Of the text it came from. */
  readonly lines: number
  readonly bytes: number
  readonly longestBytes: number
}

/** By path; those that lie nowhere, and those no ledger knows, under none. */
async function wantedFiles(session: Session, places: string): Promise<WantedFile[]> {
  return session.rows<WantedFile>(
    `WITH wanted AS (SELECT file, count(*) AS wanted, count(deleted_at) AS deleted FROM (${places}) GROUP BY file),
       path AS (SELECT DISTINCT raw_path FROM stoker.file SEMI JOIN wanted USING (file) WHERE raw_path IS NOT NULL),
       held AS (SELECT f.* FROM stoker.file AS f SEMI JOIN path USING (raw_path))
     SELECT raw_path, coalesce(sum(kept), 0)::BIGINT AS kept, sum(wanted)::BIGINT AS wanted, sum(deleted)::BIGINT AS deleted,
       list(file ORDER BY file) FILTER (wanted IS NOT NULL) AS files, coalesce(sum(lines), 0)::BIGINT AS lines,
       coalesce(sum(bytes), 0)::BIGINT AS bytes, coalesce(max(coalesce(longest_line_bytes, bytes)), 0)::BIGINT AS "longestBytes"
     FROM held FULL JOIN wanted USING (file) GROUP BY raw_path ORDER BY min(file)`,
  )
}

function refuseOdd(files: readonly WantedFile[]): void {
  const odd = files.find(({ raw_path, kept, wanted }) => raw_path === null || wanted > kept)
  if (odd === undefined) return
  const what =
    odd.raw_path === null
      ? 'lines are in use that no raw log file holds'
      : `more lines of ${odd.raw_path} are in use than it holds`
  throw new StokerError('RAW_LOG_BOOKS', what, {
    hint: 'this is an error of Stoker: report it with these numbers; nothing was committed',
    facts: {
      kept: odd.kept,
      wanted: odd.wanted,
      deleted: odd.deleted,
      files: odd.files.length,
      first: odd.files[0] ?? undefined,
    },
  })
}

/** DuckDB's own word for it names neither the run nor a way out. */
async function refuseMissing(files: readonly WantedFile[], lake: Lake): Promise<void> {
  for (const { raw_path } of files) {
    const path = lake.path(raw_path!)
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere) continue
    throw new StokerError('RAW_LOG_MISSING', `a file of the raw log is gone, or may not be read: ${path}`, {
      hint: 'put it back from a backup. Without one, take its source out and load it anew: stoker purge --source, then stoker sync',
      facts: { path },
    })
  }
}

function withNoDeletion(lines: string): string {
  return `(SELECT *, NULL::TIMESTAMPTZ AS deleted_at FROM ${lines})`
}

function placesIn(places: string, files: readonly WantedFile[]): string {
  return `SELECT * FROM (${places}) WHERE file IN (${files.flatMap((each) => each.files).join(', ')})`
}

function atPlaces(lines: string, here: string): string {
  return `(SELECT l.*, p.deleted_at FROM ${lines} AS l JOIN (${here}) AS p USING (file, line))`
}

/**
 * A join may hold either side in memory, the lines too, and so does IN by itself, which is made a join of. Behind coalesce it
 * holds the places. Those of deleted resources, which have a time with them, are few.
 */
function longAtPlaces(lines: string, here: string, files: readonly WantedFile[]): string[] {
  const among = (which: string) =>
    `(SELECT * FROM ${oneByOne(lines)} WHERE coalesce((file, line) IN (SELECT (file, line) FROM (${here}) WHERE deleted_at IS ${which}), false))`
  const living = withNoDeletion(among('NULL'))
  return files.every(({ deleted }) => deleted === 0)
    ? [living]
    : [living, atPlaces(among('NOT NULL'), `${here} AND deleted_at IS NOT NULL`)]
}

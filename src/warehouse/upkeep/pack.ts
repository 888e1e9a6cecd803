/** Several raw log files → one packed file, whole or not at all. */
import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { makeFolder, settle } from '../../core/durable.ts'
import { StokerError } from '../../core/errors.ts'
import { sqlText } from '../../core/sql.ts'
import { copyLines } from '../../store/raw-log-copy.ts'
import { packedPath, rawRelation } from '../../store/raw-log.ts'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'
import { keptOf } from './raw-files.ts'
import type { PackPlan } from './pack-plan.ts'

/**
 * Writes the lines of `plan.files` that are not in the temporary table `_dropped` into a packed file, in the order of files and
 * lines, so that a row group is of few of them and looking one line up reads little. One transaction then moves the
 * ledger's files to it, and the old files go. Interrupted before that, it leaves a file no ledger knows, after it, the old
 * ones: {@link removeOrphans} takes either.
 * @param mend of a relation of lines another with the same columns and as many rows: what a line says may have to change
 * @returns the new file, relative to the lake; undefined where nothing stays
 * @throws StokerError UPKEEP_BOOKS when more or fewer lines were written than should stay; the old files are as they were
 */
export async function writePack(
  session: Session,
  lake: Lake,
  source: string,
  { files, dropped }: PackPlan,
  mend = (lines: string) => lines,
): Promise<string | undefined> {
  const numbered = await session.first<{ number: number }>(`SELECT nextval('stoker.packed_number') AS number`)
  const relative = packedPath(source, numbered!.number)
  const path = lake.path(relative)
  const part = `${path}.part`
  const paths = files.map((file) => file.path)
  await makeFolder(dirname(path))
  const going = dropped === 0 ? '' : DROPPED
  await copyLines(session, {
    lines: rawRelation(paths.map((each) => lake.path(each))),
    select: (lines) =>
      `SELECT type, id, version, last_updated, subsetted, hash, json, source, run, file, line FROM ${mend(lines)} ${going}`,
    path: part,
    sizes: {
      lines: files.reduce((sum, file) => sum + file.lines, 0),
      bytes: files.reduce((sum, file) => sum + file.textBytes, 0),
      longestBytes: Math.max(...files.map((file) => file.longestLineBytes)),
    },
    rowGroupBytes: ROW_GROUP_BYTES,
    level: 3,
  })
  const kept = await session.rows<{ file: number; kept: number }>(
    `SELECT file, count(*) AS kept FROM read_parquet(${sqlText(part)}) GROUP BY file ORDER BY file`,
  )
  const written = kept.reduce((sum, each) => sum + each.kept, 0)
  if (written !== keptOf(files) - dropped) {
    throw new StokerError('UPKEEP_BOOKS', 'the books of the raw log do not balance: nothing was compacted', {
      hint: 'this is an error of Stoker: report it with these numbers; the files are as they were',
      facts: { written, held: keptOf(files), dropped },
    })
  }
  if (written === 0) await rm(part)
  else await settle(part, path)
  await moveFiles(
    session,
    files.flatMap((file) => file.files),
    written === 0 ? null : relative,
    kept,
  )
  for (const each of paths) await rm(lake.path(each), { force: true })
  return written === 0 ? undefined : relative
}

async function moveFiles(
  session: Session,
  files: readonly number[],
  path: string | null,
  kept: readonly { readonly file: number; readonly kept: number }[],
): Promise<void> {
  await session.run(
    `UPDATE stoker.file AS f SET raw_path = CASE WHEN coalesce(k.kept, 0) > 0 THEN $1 END, kept = coalesce(k.kept, 0)
     FROM (SELECT unnest(from_json($2::JSON, '["INTEGER"]')) AS file) AS moved
     LEFT JOIN (SELECT unnest(from_json($3::JSON, '[{"file":"INTEGER","kept":"BIGINT"}]'), recursive := true)) AS k USING (file)
     WHERE f.file = moved.file`,
    [path, JSON.stringify(files), JSON.stringify(kept)],
  )
}

/**
 * Not an ANTI JOIN: where `_dropped` is the larger side, DuckDB holds the lines, with their text, to look `_dropped` up in them,
 * and gives them out in any order.
 */
const DROPPED = 'WHERE (file, line) NOT IN (SELECT (file, line) FROM temp._dropped)'

/**
 * Of text: of 16 MiB, as landing has it, a scan took a third more of the processor (its buffers leave the cache) and looking
 * one line up four times as much; it saves 3 % of the bytes.
 */
const ROW_GROUP_BYTES = 4 << 20

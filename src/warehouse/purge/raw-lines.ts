/** The raw log without what a purge takes: its files are written anew, and the texts of rejects go. */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiskGuard } from '../../core/disk-space.ts'
import { sqlText } from '../../core/sql.ts'
import { rawRelation } from '../../store/raw-log.ts'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'
import { DELETION_URL } from '../merge/tombstones.ts'
import { removeOrphans } from '../upkeep/orphans.ts'
import { writePack } from '../upkeep/pack.ts'
import { rawFilesOf, type RawFile } from '../upkeep/raw-files.ts'
import { countAlso } from './record.ts'
import { wordPattern, type PurgeSubject } from './subject.ts'

/** Done again it goes on where it was interrupted: each file is durable, and counted, before the next. */
export async function removeLines(
  session: Session,
  lake: Lake,
  purge: number,
  { subject, disk }: { readonly subject: PurgeSubject; readonly disk: DiskGuard },
): Promise<void> {
  const { source } = subject
  // None of its runs is under way: what lies there an interruption left.
  for (const { run } of await session.rows<{ run: number }>('SELECT run FROM stoker.run WHERE source = $1', [source])) {
    await rm(lake.staging(run), { recursive: true, force: true })
  }
  if (subject.kind === 'source') {
    const files = (await readdir(lake.path(join('raw', source)), { recursive: true }).catch(() => [])).filter((name) =>
      name.endsWith('.parquet'),
    ).length
    await rm(lake.path(join('raw', source)), { recursive: true, force: true })
    await countAlso(session, purge, { rawFiles: files })
    return
  }
  for (const file of await rawFilesOf(session, lake, source)) {
    const raw = rawRelation([lake.path(file.path)])
    const dropped = await findLines(session, raw, file, purge, subject)
    const mended = file.kind === 'deleted' ? await mendBundles(session, raw, purge, subject) : 0
    if (dropped + mended === 0) continue
    await disk.require('raw log files that are written anew', file.bytes)
    await writePack(session, lake, source, { files: [file], dropped }, mended === 0 ? undefined : withMended)
    await countAlso(session, purge, { rawFiles: 1, namedBy: file.kind === 'output' ? 0 : dropped + mended })
  }
  for (const table of ['dropped', 'mended']) await session.run(`DROP TABLE IF EXISTS temp._${table}`)
  await removeOrphans(session, lake, source)
}

/** Makes the temporary table `_dropped (file, line)`: of a file's lines those that go. */
async function findLines(
  session: Session,
  raw: string,
  { kind }: RawFile,
  purge: number,
  { type, id }: Exclude<PurgeSubject, { kind: 'source' }>,
): Promise<number> {
  const word = sqlText(wordPattern(type === 'Patient' ? id : `${type}/${id}`))
  const going = {
    output: `SELECT file, line FROM ${raw} SEMI JOIN (SELECT file, line FROM stoker.purge_line WHERE purge = ${purge}) USING (file, line)`,
    deleted: 'SELECT NULL::INTEGER AS file, NULL::BIGINT AS line WHERE false',
    error: `SELECT file, line FROM ${raw} WHERE regexp_matches(json, ${word}) OR list_has_any(
      regexp_extract_all(json, '[A-Z][A-Za-z]+/[A-Za-z0-9._~-]+'),
      (SELECT coalesce(list(type || '/' || id), []) FROM stoker.purge_key WHERE purge = ${purge}))`,
  }[kind as 'output' | 'deleted' | 'error']
  await session.run(`CREATE OR REPLACE TEMP TABLE _dropped AS ${going}`)
  return countOf(session, 'dropped')
}

/** Makes the temporary table `_mended (file, line, json)`: Bundles without the entries that name what goes. */
async function mendBundles(
  session: Session,
  raw: string,
  purge: number,
  { type, id }: Exclude<PurgeSubject, { kind: 'source' }>,
): Promise<number> {
  const url = `coalesce(json_extract_string(entry, '$.request.url'), json_extract_string(entry, '$.fullUrl'), '')`
  const named =
    type === 'Patient'
      ? `(?i:patient|subject)[^"]{0,8}(?:/|=|%2F)${id.replaceAll('.', '\\.')}(?:[^A-Za-z0-9._~-]|$)`
      : wordPattern(`${type}/${id}`)
  await session.run(`
    CREATE OR REPLACE TEMP TABLE _mended AS
    SELECT file, line, json_merge_patch(any_value(json), json_object('entry', coalesce(list(entry ORDER BY n) FILTER (NOT goes), []))) AS json
    FROM (
      SELECT file, line, n, json, entry, regexp_matches(entry::VARCHAR, ${sqlText(named)})
        OR regexp_extract(${url}, '${DELETION_URL}', 1) || '/' || regexp_extract(${url}, '${DELETION_URL}', 2)
          IN (SELECT type || '/' || id FROM stoker.purge_key WHERE purge = ${purge}) AS goes
      FROM (SELECT file, line, json, unnest(entries) AS entry, generate_subscripts(entries, 1) AS n
        FROM (SELECT file, line, json, json_extract(json, '$.entry[*]') AS entries FROM ${raw})))
    GROUP BY file, line HAVING bool_or(goes)`)
  return countOf(session, 'mended')
}

function withMended(lines: string): string {
  return `(SELECT l.* REPLACE (coalesce(m.json, l.json) AS json, CASE WHEN m.json IS NULL THEN l.hash ELSE hash(m.json) END AS hash)
    FROM ${lines} AS l LEFT JOIN temp._mended AS m USING (file, line))`
}

async function countOf(session: Session, table: string): Promise<number> {
  return (await session.first<{ count: number }>(`SELECT count(*) AS count FROM temp._${table}`))!.count
}

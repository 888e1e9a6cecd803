/** The proof of a purge: everything that could still hold it is read, and what is found is counted. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { batches } from '../../core/batches.ts'
import { sqlText } from '../../core/sql.ts'
import { FILES_AT_ONCE, rawRelation } from '../../store/raw-log.ts'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'
import { patientOf, patientStruct } from '../patient-reference.ts'
import { viewTable } from '../tables/view.ts'
import { needlesOf, type Needle } from './bytes.ts'
import { goneIndexRows, goneRows } from './gone.ts'
import { countSuspects, rejectFiles, type Suspicion } from './rejects.ts'
import { snapshotsWith } from './snapshots.ts'
import { wordPattern, type PurgeSubject } from './subject.ts'

/** One kind of place: how many of it were read, and what was found in them. */
export interface Scanned {
  readonly place: 'raw log' | 'rejects' | 'view tables' | 'index' | 'snapshots' | 'files'
  readonly scanned: number
  readonly found: number
}

export interface Mention {
  readonly type: string
  readonly resources: number
}

export interface Proof {
  readonly places: readonly Scanned[]
  /** Resources of others that still refer to what was purged, by type. */
  readonly mentions: readonly Mention[]
  /** What the bytes of the other files are to be searched for, when the database is closed. */
  readonly needles: readonly Needle[]
}

/** Bundles of deletions and messages; a Bundle that was exported is a resource. */
const SAID_BY_SERVER = "file IN (SELECT file FROM stoker.file WHERE kind <> 'output')"

/** Reads what lies on the disk, not what the ledger says of it; while `purge_key` still says what to look for. */
export async function prove(
  session: Session,
  lake: Lake,
  purge: number,
  { subject, isSuspect }: { readonly subject: PurgeSubject; readonly isSuspect: Suspicion },
): Promise<Proof> {
  const raw = await parquetFiles(lake.path(join('raw', subject.source)))
  const rejects = await rejectFiles(lake, subject.source)
  let texts = 0
  for (const path of rejects) texts += await countSuspects(path, isSuspect)
  const tables = await session.rows<{ name: string }>('SELECT name FROM stoker.view_table ORDER BY name')
  let viewRows = 0
  for (const { name } of tables) viewRows += await count(session, viewTable(name), goneRows(purge, subject))
  let indexRows = 0
  for (const table of ['stoker.resource', 'stoker.resource_past']) {
    indexRows += await count(session, table, goneIndexRows(purge, subject))
  }
  const snapshots = await snapshotsWith(session, lake, purge, subject)
  const places: Scanned[] = [
    { place: 'raw log', scanned: raw.length, found: await linesIn(session, raw, purge, subject) },
    { place: 'rejects', scanned: rejects.length, found: texts },
    { place: 'view tables', scanned: tables.length, found: viewRows },
    { place: 'index', scanned: 2, found: indexRows },
    { place: 'snapshots', scanned: snapshots.scanned, found: [...snapshots.found.values()].reduce((a, b) => a + b, 0) },
  ]
  const needles = await needlesOf(session, purge, subject)
  return { places, mentions: await mentions(session, raw, subject), needles }
}

async function count(session: Session, relation: string, where: string): Promise<number> {
  return (await session.first<{ count: number }>(`SELECT count(*) AS count FROM ${relation} WHERE ${where}`))!.count
}

/** Lines of the keys, lines that name the patient as theirs, and what the server said of either. */
async function linesIn(
  session: Session,
  files: readonly string[],
  purge: number,
  subject: PurgeSubject,
): Promise<number> {
  if (subject.kind === 'source') return files.length
  const { kind, type, id } = subject
  const told = sqlText(wordPattern(`${type}/${id}`))
  const ofPatient =
    kind === 'patient'
      ? `OR (contains(json, ${sqlText(id)}) AND ${patientOf('type', 'id', patientStruct('json'))} = ${sqlText(id)})`
      : ''
  let found = 0
  for (const some of batches(files, FILES_AT_ONCE)) {
    const line = `(type, id) IN (SELECT (type, id) FROM stoker.purge_key WHERE purge = ${purge}) ${ofPatient}
      OR (${SAID_BY_SERVER} AND (contains(json, ${sqlText(id)}) AND regexp_matches(json, ${told})
        OR list_has_any(regexp_extract_all(json, '[A-Z][A-Za-z]+/[A-Za-z0-9._~-]+'),
          (SELECT coalesce(list(type || '/' || id), []) FROM stoker.purge_key WHERE purge = ${purge}))))`
    found += await count(session, rawRelation(some), line)
  }
  return found
}

/** Resources that have `Type/id` in their text: they are others', and stay. */
async function mentions(session: Session, files: readonly string[], subject: PurgeSubject): Promise<Mention[]> {
  if (subject.kind === 'source') return []
  const { type, id } = subject
  const word = sqlText(wordPattern(`${type}\\\\?/${id}`))
  await session.run('CREATE OR REPLACE TEMP TABLE _mention (type VARCHAR, id VARCHAR)')
  for (const some of batches(files, FILES_AT_ONCE)) {
    await session.run(
      `INSERT INTO temp._mention SELECT DISTINCT type, id FROM ${rawRelation(some)}
       WHERE NOT ${SAID_BY_SERVER} AND contains(json, ${sqlText(id)}) AND regexp_matches(json, ${word})`,
    )
  }
  const found = await session.rows<Mention>(
    'SELECT type, count(DISTINCT id) AS resources FROM temp._mention GROUP BY type ORDER BY type',
  )
  await session.run('DROP TABLE temp._mention')
  return found
}

async function parquetFiles(root: string): Promise<string[]> {
  const names = await readdir(root, { recursive: true }).catch(() => [])
  return names.filter((name) => name.endsWith('.parquet')).map((name) => join(root, name))
}

/** Files in the ledger: the entries of a manifest, from listed to landed. */
import type { Session } from '../store/session.ts'
import { sqlText } from '../core/sql.ts'

export type FileState = 'listed' | 'staged' | 'landed' | 'skipped' | 'failed'

export interface FileRecord {
  readonly file: number
  readonly export: number
  readonly run: number
  readonly ordinal: number
  readonly kind: 'output' | 'deleted' | 'error'
  readonly type: string | null
  readonly url: string
  readonly state: FileState
  readonly claimed: number | null
  readonly bytes: number | null
  readonly lines: number | null
  readonly blanks: number | null
  readonly longest_line_bytes: number | null
  readonly bom: boolean | null
  readonly sha256: string | null
  readonly resources: number | null
  readonly rejects: number | null
  readonly headers: number | null
  readonly damaged: number | null
  readonly kept: number | null
  readonly dated: Date | null
  readonly raw_path: string | null
  readonly note: string | null
}

export async function filesOf(session: Session, run: number): Promise<FileRecord[]> {
  return session.rows<FileRecord>('SELECT * FROM stoker.file WHERE run = $1 ORDER BY file', [run])
}

export interface ListedFile {
  readonly kind: 'output' | 'deleted' | 'error'
  /** Its place in its list of the manifest, all pages together: with the kind, what it is known by. */
  readonly ordinal: number
  readonly type: string | undefined
  readonly url: string
  readonly count: number | undefined
  /** See {@link FileRecord}: only where each page is a state of its own. */
  readonly dated?: Date | undefined
  /** Why the file is not fetched, when it is not. */
  readonly skip?: string | undefined
}

/**
 * Lists a page of the manifest; call it in a transaction. A page that comes again adds nothing, but its URLs, which may
 * be signed anew at each look, take the place of those of files that are still to be fetched.
 */
export async function listFiles(
  session: Session,
  record: { readonly export: number; readonly run: number },
  files: readonly ListedFile[],
): Promise<void> {
  const list = JSON.stringify(files)
  const shape = `'[{"kind":"VARCHAR","ordinal":"INTEGER","type":"VARCHAR","url":"VARCHAR","count":"BIGINT","dated":"TIMESTAMPTZ","skip":"VARCHAR"}]'`
  await session.run(
    `UPDATE stoker.file AS h SET url = f.url FROM (SELECT unnest(from_json($2::JSON, ${shape}), recursive := true)) AS f
     WHERE h.export = $1 AND h.kind = f.kind AND h.ordinal = f.ordinal AND h.type IS NOT DISTINCT FROM f.type
       AND h.state = 'listed'`,
    [record.export, list],
  )
  await session.run(
    `INSERT INTO stoker.file (file, export, run, ordinal, kind, type, url, state, claimed, dated, note)
     SELECT nextval('stoker.file_number'), $1, $2, f.ordinal, f.kind, f.type, f.url,
       CASE WHEN f.skip IS NULL THEN 'listed' ELSE 'skipped' END, f.count, f.dated, f.skip
     FROM (SELECT unnest(from_json($3::JSON, ${shape}), recursive := true)) AS f
     WHERE NOT EXISTS (FROM stoker.file AS h WHERE h.export = $1 AND h.kind = f.kind AND h.ordinal = f.ordinal)`,
    [record.export, record.run, list],
  )
}

/** Forgets what was listed of an export of which nothing was fetched yet. */
export async function unlistFiles(session: Session, id: number): Promise<void> {
  await session.run('DELETE FROM stoker.file WHERE export = $1', [id])
}

/** The files of one export, in the order of the manifest. */
export async function filesOfExport(session: Session, id: number): Promise<FileRecord[]> {
  return session.rows<FileRecord>('SELECT * FROM stoker.file WHERE export = $1 ORDER BY file', [id])
}

export interface StagedFacts {
  readonly bytes: number
  readonly lines: number
  readonly blanks: number
  readonly longestLineBytes: number
  readonly bom: boolean
  readonly sha256: string
}

/** The file's bytes are whole on disk: a restart need not fetch it again. */
export async function recordStaged(session: Session, file: number, facts: StagedFacts): Promise<void> {
  await session.run(
    `UPDATE stoker.file SET state = 'staged', bytes = $2, lines = $3, blanks = $4, longest_line_bytes = $5, bom = $6,
       sha256 = $7 WHERE file = $1`,
    [file, facts.bytes, facts.lines, facts.blanks, facts.longestLineBytes, facts.bom, facts.sha256],
  )
}

export interface LandedFacts {
  readonly resources: number
  readonly rejects: number
  readonly headers: number
  /** Rejects that may be any resource for all anybody can tell. */
  readonly damaged: number
  /** Relative to the lake. */
  readonly rawPath: string
  /** File of the rejects, one JSON object a line, where there are any. */
  readonly rejectsPath: string | undefined
}

/** The file is in the raw log, with its rejects; call it in a transaction. */
export async function recordLanded(
  session: Session,
  record: Pick<FileRecord, 'file' | 'run'>,
  facts: LandedFacts,
): Promise<void> {
  await session.run(
    `UPDATE stoker.file SET state = 'landed', resources = $2, rejects = $3, headers = $4, damaged = $5, kept = $2, raw_path = $6 WHERE file = $1`,
    [record.file, facts.resources, facts.rejects, facts.headers, facts.damaged, facts.rawPath],
  )
  if (facts.rejectsPath === undefined) return
  await session.run(
    `INSERT INTO stoker.reject SELECT $1, $2, line, byte_offset, reason
     FROM read_ndjson(${sqlText(facts.rejectsPath)}, columns = {line: 'BIGINT', byte_offset: 'BIGINT', reason: 'VARCHAR'})`,
    [record.run, record.file],
  )
}

/** One more attempt that ended with an error that may pass. @returns how many there were by now */
export async function recordTry(session: Session, file: number): Promise<number> {
  const row = await session.first<{ tries: number }>(
    'UPDATE stoker.file SET tries = coalesce(tries, 0) + 1 WHERE file = $1 RETURNING tries',
    [file],
  )
  return row!.tries
}

/** The file can't be had; its type's watermark is held. */
export async function recordFileFailed(session: Session, file: number, why: string): Promise<void> {
  await session.run(`UPDATE stoker.file SET state = 'failed', note = $2 WHERE file = $1`, [file, why])
}

/** A URL's query may hold a signature: once it is of no more use it is cut off. */
export async function forgetSignatures(session: Session, run: number): Promise<void> {
  await session.run(`UPDATE stoker.file SET url = split_part(url, '?', 1) WHERE run = $1 AND contains(url, '?')`, [run])
}

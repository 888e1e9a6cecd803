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
  readonly raw_path: string | null
  readonly note: string | null
}

export async function filesOf(session: Session, run: number): Promise<FileRecord[]> {
  return session.rows<FileRecord>('SELECT * FROM stoker.file WHERE run = $1 ORDER BY file', [run])
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
    `UPDATE stoker.file SET state = 'landed', resources = $2, rejects = $3, raw_path = $4 WHERE file = $1`,
    [record.file, facts.resources, facts.rejects, facts.rawPath],
  )
  if (facts.rejectsPath === undefined) return
  await session.run(
    `INSERT INTO stoker.reject SELECT $1, $2, line, byte_offset, reason
     FROM read_ndjson(${sqlText(facts.rejectsPath)}, columns = {line: 'BIGINT', byte_offset: 'BIGINT', reason: 'VARCHAR'})`,
    [record.run, record.file],
  )
}

/** The file can't be had; its type's watermark is held. */
export async function recordFileFailed(session: Session, file: number, why: string): Promise<void> {
  await session.run(`UPDATE stoker.file SET state = 'failed', note = $2 WHERE file = $1`, [file, why])
}

/** A URL's query may hold a signature: once it is of no more use it is cut off. */
export async function forgetSignatures(session: Session, run: number): Promise<void> {
  await session.run(`UPDATE stoker.file SET url = split_part(url, '?', 1) WHERE run = $1 AND contains(url, '?')`, [run])
}

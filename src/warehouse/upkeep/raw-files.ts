/** The raw log files of a source's finished runs, as the ledger names them and the disk has them. */
import { stat } from 'node:fs/promises'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'

export interface RawFile {
  /** Relative to the lake. */
  readonly path: string
  /** `output`, `deleted` or `error`, and the type its manifest named ('' where it named none): what lies together. */
  readonly kind: string
  readonly type: string
  /** The ledger's files that lie in it, in their order. */
  readonly files: readonly number[]
  /** Resources in it. */
  readonly kept: number
  /** What its files were in text, and their lines: how long a line is. */
  readonly textBytes: number
  readonly lines: number
  /** At most. */
  readonly longestLineBytes: number
  /** On disk. */
  readonly bytes: number
}

/** In the order of their files: what a run under way has landed is not among them. */
export async function rawFilesOf(session: Session, lake: Lake, source: string): Promise<RawFile[]> {
  const rows = await session.rows<Omit<RawFile, 'bytes'>>(
    `SELECT raw_path AS path, any_value(f.kind) AS kind, coalesce(any_value(f.type), '') AS type,
       list(f.file ORDER BY f.file) AS files, sum(f.kept)::BIGINT AS kept,
       coalesce(sum(f.bytes), 0)::BIGINT AS "textBytes", coalesce(sum(f.lines), 0)::BIGINT AS lines,
       coalesce(max(coalesce(f.longest_line_bytes, f.bytes)), 0) AS "longestLineBytes"
     FROM stoker.file AS f JOIN stoker.run AS r USING (run)
     WHERE r.source = $1 AND r.state = 'done' AND f.raw_path IS NOT NULL GROUP BY raw_path ORDER BY min(f.file)`,
    [source],
  )
  const files: RawFile[] = []
  for (const row of rows) files.push({ ...row, bytes: (await stat(lake.path(row.path))).size })
  return files
}

/** Those that may lie together: of one kind and one type. */
export function groups(files: readonly RawFile[]): RawFile[][] {
  const found = new Map<string, RawFile[]>()
  for (const file of files) {
    const key = `${file.kind}/${file.type}`
    found.set(key, [...(found.get(key) ?? []), file])
  }
  return [...found.values()]
}

export const bytesOf = (files: readonly RawFile[]) => files.reduce((sum, file) => sum + file.bytes, 0)
export const keptOf = (files: readonly RawFile[]) => files.reduce((sum, file) => sum + file.kept, 0)

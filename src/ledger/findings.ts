/** Findings in the ledger: where what came is not what was asked or announced. Counts, never content. */
import type { Session } from '../store/session.ts'

export interface Finding {
  readonly export: number
  readonly file: number | null
  readonly type: string | null
  readonly code: string
  readonly count: number
}

export async function recordFinding(session: Session, run: number, finding: Finding): Promise<void> {
  const { export: record, file, type, code, count } = finding
  await session.run('INSERT INTO stoker.finding VALUES ($1, $2, $3, $4, $5, $6)', [
    run,
    record,
    file,
    type,
    code,
    count,
  ])
}

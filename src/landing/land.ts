/** A staged file → raw log + rejects, with the books checked. */
import { StokerError } from '../core/errors.ts'
import { sqlText } from '../core/sql.ts'
import type { Session } from '../store/session.ts'
import type { LineFacts } from './line-meter.ts'
import { writeRawLog, type RawFile } from './raw-log.ts'
import { writeRejects } from './rejects.ts'

export interface Landed {
  readonly resources: number
  readonly rejects: number
}

/**
 * Writes the raw log file and, where there are any, the rejects' file. Both appear whole or not at all; landing the
 * same staged file again writes the same.
 * @throws StokerError LANDING_BOOKS when lines are not the sum of resources, rejects and blanks.
 */
export async function land(session: Session, raw: RawFile, facts: LineFacts): Promise<Landed> {
  await writeRawLog(session, raw, facts)
  const count = await session.first<{ rows: number; resources: number }>(
    `SELECT count(*) AS rows, count(type) AS resources FROM read_parquet(${sqlText(raw.rawPath)})`,
  )
  const rows = count?.rows ?? 0
  const resources = count?.resources ?? 0
  const rejects = rows - resources - facts.blanks > 0 ? await writeRejects(session, raw, facts) : 0
  if (rows !== facts.lines || resources + rejects + facts.blanks !== facts.lines) {
    throw new StokerError('LANDING_BOOKS', `the books of file ${raw.file} do not balance`, {
      hint: 'this is an error of Stoker: report it with these numbers; nothing was committed',
      facts: { ...facts, rows, resources, rejects },
    })
  }
  return { resources, rejects }
}

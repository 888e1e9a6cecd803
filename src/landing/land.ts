/** A staged file → raw log + rejects, with the books checked. */
import { StokerError } from '../core/errors.ts'
import { sqlText } from '../core/sql.ts'
import type { Session } from '../store/session.ts'
import type { LineFacts } from './line-meter.ts'
import { writeRawLog, type StagedFile } from './raw-log.ts'
import { writeRejects } from './rejects.ts'

export interface Landed {
  readonly resources: number
  readonly rejects: number
  /** Rejects that may be any resource for all anybody can tell. */
  readonly damaged: number
  /** Header lines of an organized export. */
  readonly headers: number
}

/**
 * Writes the raw log file and, where there are any, the rejects' file. Both appear whole or not at all; landing the
 * same staged file again writes the same.
 * @throws StokerError LANDING_BOOKS when lines are not the sum of resources, rejects, headers and blanks.
 */
export async function land(session: Session, raw: StagedFile, facts: LineFacts): Promise<Landed> {
  await writeRawLog(session, raw, facts)
  const counted = await session.first<{ rows: number; resources: number; headers: number }>(
    `SELECT count(*) AS rows, count(type) AS resources, count(*) FILTER (header) AS headers
     FROM read_parquet(${sqlText(raw.rawPath)})`,
  )
  const { rows, resources, headers } = counted!
  const none = { rejects: 0, damaged: 0 }
  const { rejects, damaged } =
    rows - resources - headers - facts.blanks > 0 ? await writeRejects(session, raw, facts) : none
  if (rows !== facts.lines || resources + rejects + headers + facts.blanks !== facts.lines) {
    throw new StokerError('LANDING_BOOKS', `the books of file ${raw.file} do not balance`, {
      hint: 'this is an error of Stoker: report it with these numbers; nothing was committed',
      facts: { ...facts, rows, resources, rejects, headers },
    })
  }
  return { resources, rejects, headers, damaged }
}

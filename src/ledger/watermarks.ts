/** Watermarks: per source and type, the transactionTime of the last run whose rows are committed. */
import type { Session } from '../store/session.ts'

export interface Watermark {
  readonly source: string
  readonly type: string
  readonly transaction_time: Date
  readonly run: number
}

export async function watermarksOf(session: Session, source: string): Promise<Watermark[]> {
  return session.rows<Watermark>('SELECT * FROM stoker.watermark WHERE source = $1 ORDER BY type', [source])
}

/** Call it in the transaction that commits the rows it covers, and only for types all of whose files loaded. */
export async function moveWatermarks(
  session: Session,
  run: number,
  source: string,
  types: readonly string[],
  transactionTime: Date,
): Promise<void> {
  await session.run(
    `DELETE FROM stoker.watermark WHERE source = $1 AND type IN (SELECT unnest(from_json($2::JSON, '["VARCHAR"]')))`,
    [source, JSON.stringify(types)],
  )
  await session.run(
    `INSERT INTO stoker.watermark SELECT $1, unnest(from_json($2::JSON, '["VARCHAR"]')), $3::TIMESTAMPTZ, $4`,
    [source, JSON.stringify(types), transactionTime.toISOString(), run],
  )
}

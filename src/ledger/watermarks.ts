/** Watermarks: per source, type and filter, the transactionTime of the last run whose rows are committed. */
import type { Session } from '../store/session.ts'

export interface Watermark {
  readonly source: string
  readonly type: string
  /** What limited the type when it was loaded, as text: with another filter the watermark says nothing. */
  readonly filter: string
  readonly transaction_time: Date
  readonly run: number
}

export async function watermarksOf(session: Session, source: string): Promise<Watermark[]> {
  return session.rows<Watermark>('SELECT * FROM stoker.watermark WHERE source = $1 ORDER BY type', [source])
}

/** Of other types than these the watermarks go. */
export async function keepWatermarks(session: Session, source: string, types: readonly string[]): Promise<void> {
  await session.run(
    `DELETE FROM stoker.watermark WHERE source = $1 AND type NOT IN (SELECT unnest(from_json($2::JSON, '["VARCHAR"]')))`,
    [source, JSON.stringify(types)],
  )
}

/** The types are asked for wholly next time. */
export async function dropWatermarks(session: Session, source: string, types: readonly string[]): Promise<void> {
  await session.run(
    `DELETE FROM stoker.watermark WHERE source = $1 AND type IN (SELECT unnest(from_json($2::JSON, '["VARCHAR"]')))`,
    [source, JSON.stringify(types)],
  )
}

/**
 * Call it in the transaction that commits the rows it covers, and only for types all of whose files loaded.
 * @param filters of each type to move
 */
export async function moveWatermarks(
  session: Session,
  run: number,
  source: string,
  filters: ReadonlyMap<string, string>,
  transactionTime: Date,
): Promise<void> {
  const types = JSON.stringify([...filters].map(([type, filter]) => ({ type, filter })))
  await session.run(
    `DELETE FROM stoker.watermark WHERE source = $1
       AND type IN (SELECT unnest(from_json($2::JSON, '[{"type":"VARCHAR"}]')).type)`,
    [source, types],
  )
  await session.run(
    `INSERT INTO stoker.watermark SELECT $1, t.type, t.filter, $3::TIMESTAMPTZ, $4
     FROM (SELECT unnest(from_json($2::JSON, '[{"type":"VARCHAR","filter":"VARCHAR"}]')) AS t)`,
    [source, types, transactionTime.toISOString(), run],
  )
}

/** What a run did: counts per type and per view table, and what the server said. */
import type { Session } from '../store/session.ts'

export interface TypeCounts {
  readonly type: string
  readonly received: number
  readonly inserted: number
  readonly updated: number
  readonly unchanged: number
  /** Received, but a newer version of the same resource was received or held. */
  readonly superseded: number
  readonly deleted: number
  readonly rejected: number
  /** Why the type's watermark did not move, when it did not. */
  readonly held: string | null
}

export interface ViewCounts {
  readonly view_table: string
  /** Of the definition in force. */
  readonly view_hash: string
  readonly rows_removed: number
  readonly rows_added: number
  readonly rows: number
}

/** Values that are not in a view table because they were not what its column wants. */
export interface LossCounts {
  readonly view_table: string
  readonly column_name: string | null
  readonly element: string | null
  readonly wanted: string
  readonly count: number
}

export interface Books {
  readonly types: readonly TypeCounts[]
  readonly views: readonly ViewCounts[]
  readonly losses: readonly LossCounts[]
}

/** Call it in the transaction that commits the run. */
export async function writeBooks(session: Session, run: number, books: Books): Promise<void> {
  await session.run(
    `INSERT INTO stoker.run_type SELECT $1, t.* FROM (SELECT unnest(from_json($2::JSON, '[{"type":"VARCHAR","received":"BIGINT",
       "inserted":"BIGINT","updated":"BIGINT","unchanged":"BIGINT","superseded":"BIGINT","deleted":"BIGINT","rejected":"BIGINT",
       "held":"VARCHAR"}]')) AS t)`,
    [run, JSON.stringify(books.types)],
  )
  await session.run(
    `INSERT INTO stoker.run_view SELECT $1, v.* FROM (SELECT unnest(from_json($2::JSON, '[{"view_table":"VARCHAR",
       "view_hash":"VARCHAR","rows_removed":"BIGINT","rows_added":"BIGINT","rows":"BIGINT"}]')) AS v)`,
    [run, JSON.stringify(books.views)],
  )
  await session.run(
    `INSERT INTO stoker.run_loss SELECT $1, l.* FROM (SELECT unnest(from_json($2::JSON, '[{"view_table":"VARCHAR",
       "column_name":"VARCHAR","element":"VARCHAR","wanted":"VARCHAR","count":"BIGINT"}]')) AS l)`,
    [run, JSON.stringify(books.losses)],
  )
}

export async function booksOf(session: Session, run: number): Promise<Books> {
  return {
    types: await session.rows<TypeCounts>('SELECT * EXCLUDE (run) FROM stoker.run_type WHERE run = $1 ORDER BY type', [
      run,
    ]),
    views: await session.rows<ViewCounts>(
      'SELECT * EXCLUDE (run) FROM stoker.run_view WHERE run = $1 ORDER BY view_table',
      [run],
    ),
    losses: await session.rows<LossCounts>('SELECT * EXCLUDE (run) FROM stoker.run_loss WHERE run = $1 ORDER BY ALL', [
      run,
    ]),
  }
}

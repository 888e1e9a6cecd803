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
  readonly rows_removed: number
  readonly rows_added: number
  readonly rows: number
}

export interface Books {
  readonly types: readonly TypeCounts[]
  readonly views: readonly ViewCounts[]
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
       "rows_removed":"BIGINT","rows_added":"BIGINT","rows":"BIGINT"}]')) AS v)`,
    [run, JSON.stringify(books.views)],
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
  }
}

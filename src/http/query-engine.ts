/** What POST /query asks of whoever runs it. */

export type QueryFormat = 'json' | 'csv' | 'arrow' | 'parquet'

export interface QueryAsked {
  readonly sql: string
  readonly format: QueryFormat
  /** The newest where none is named. */
  readonly snapshot: number | undefined
}

export interface QueryAnswer {
  readonly contentType: string
  readonly snapshot: number
  readonly body: ReadableStream<Uint8Array>
}

/**
 * The engine's side: it holds time, memory and row limits, and ends when the signal aborts or the body is cancelled.
 * @throws StokerError QUERY_…
 */
export type RunQuery = (asked: QueryAsked, signal: AbortSignal) => Promise<QueryAnswer>

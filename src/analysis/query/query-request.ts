/** What is asked, what it may take, and what it took. */
import type { QueryParameters } from '../../warehouse/reading/reader.ts'

/** What an answer can be written as, and the media type of each. */
export const CONTENT_TYPES = {
  /** An array of objects, a line each; of two columns of one name the second is called `name_1`. */
  json: 'application/json; charset=utf-8',
  /** RFC 4180 with a head; NULL and the empty text are both an empty field. */
  csv: 'text/csv; charset=utf-8; header=present',
  /** Arrow IPC streaming format. */
  arrow: 'application/vnd.apache.arrow.stream',
  parquet: 'application/vnd.apache.parquet',
} as const
export type QueryFormat = keyof typeof CONTENT_TYPES
export const QUERY_FORMATS = Object.keys(CONTENT_TYPES) as readonly QueryFormat[]

export interface QueryRequest {
  /** One SELECT. */
  readonly sql: string
  readonly parameters?: QueryParameters | undefined
  /** The newest one where it is undefined. */
  readonly snapshot?: number | undefined
  /** Without what was deleted, as cohorts and data sets see the tables. */
  readonly living?: boolean | undefined
  readonly format: QueryFormat
}

/** An answer that has more is refused, never cut: half an answer looks like a whole one. */
export interface AnswerLimits {
  readonly rows: number
  readonly bytes: number
}

export interface QueryStats {
  readonly rows: number
  /** Of the answer as it was written. */
  readonly bytes: number
  /** From the question to the answer's last byte on our disk, without the wait for its turn. */
  readonly milliseconds: number
  readonly snapshot: number
}

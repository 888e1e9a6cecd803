/** What a process that answers one query is told, and what it tells. */
import { StokerError } from '../../core/errors.ts'
import type { AnswerLimits, QueryRequest } from './query-request.ts'
import type { AnswerSize } from './answer.ts'

export interface QueryJob {
  readonly lake: string
  readonly request: QueryRequest
  readonly limits: AnswerLimits
  readonly memoryBytes: number
  readonly spillBytes: number
  readonly threads: number | undefined
  /** Private; the answer is written there, and what does not fit into memory. */
  readonly folder: string
}

/** Told when the snapshot is open: from here on the time is the query's own. */
export const BEGUN = 'begun'

/** Of the answer in the job's folder. */
export const ANSWER_FILE = 'answer'

export type QueryOutcome = { readonly size: AnswerSize; readonly snapshot: number } | { readonly error: ToldError }

interface ToldError {
  readonly code: string
  readonly message: string
  readonly hint: string | undefined
  readonly retryable: boolean
  readonly record: string
}

/** An error as a message between processes can hold it. What we did not foresee is told by its kind alone. */
export function outcomeOf(error: unknown): QueryOutcome {
  const told =
    error instanceof StokerError
      ? error
      : new StokerError('QUERY_CRASHED', `the query failed (${error instanceof Error ? error.name : typeof error})`)
  const { code, message, hint, retryable, record } = told
  return { error: { code, message, hint, retryable, record } }
}

export function errorOf({ code, message, hint, retryable, record }: ToldError): StokerError {
  return new StokerError(code, message, { retryable, record, ...(hint !== undefined && { hint }) })
}

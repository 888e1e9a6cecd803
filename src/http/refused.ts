/** A request that is refused, and errors as answers: a status, and a body that says what to do. */
import { StokerError, type StokerErrorOptions } from '../core/errors.ts'
import { foreseen } from '../core/system-error.ts'

/** For what is wrong with a request; any other error gets its status from {@link answerOf}. */
export class Refused extends StokerError {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    { headers = {}, ...options }: StokerErrorOptions & { readonly headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(code, message, options)
    this.status = status
    this.headers = headers
  }
}

export interface ErrorAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly error: ErrorBody }
}

export interface ErrorBody {
  readonly code: string
  readonly message: string
  readonly hint: string | null
  readonly retryable: boolean
}

/**
 * Of an error that nobody foresaw it says nothing: its message may quote data.
 * @param isSignedIn may see data, and so also what somebody else's words quote of it: a server's, DuckDB's
 */
export function answerOf(cause: unknown, isSignedIn = false): ErrorAnswer {
  const error = foreseen(cause)
  if (!(error instanceof StokerError)) return { status: 500, headers: {}, body: { error: UNFORESEEN } }
  const { code, hint = null, retryable } = error
  const message = isSignedIn ? error.message : error.record
  const body = { error: { code, message, hint, retryable } }
  if (error instanceof Refused) return { status: error.status, headers: error.headers, body }
  return { status: statusOf(error), headers: {}, body }
}

const UNFORESEEN: ErrorBody = {
  code: 'INTERNAL',
  message: 'an error of Stoker itself',
  hint: "the worker's log names it",
  retryable: false,
}

const STATUSES: Readonly<Record<string, number>> = {
  SOURCE_UNKNOWN: 404,
  COHORT_UNKNOWN: 404,
  QUERY_NO_SNAPSHOT: 404,
  CANCEL_COMMITTED: 409,
  WORKER_STOPPING: 503,
}

/** What the asker wrote. */
const ASKED = /^(QUERY|COHORT|USAGE|LINEAGE|RUNS)_/

function statusOf({ code, retryable }: StokerError): number {
  return STATUSES[code] ?? (retryable ? 503 : ASKED.test(code) ? 400 : 500)
}

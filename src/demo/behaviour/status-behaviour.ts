/** Oddities of waiting: how long a job takes, what its polls are told, how it fails and how it is released. */
import { count, flag, listOf, nullOr, oneOf, shape, status, text, type Checks } from './checks.ts'

export type RetryAfterForm = 'seconds' | 'http-date' | 'epoch-seconds' | 'epoch-milliseconds' | 'absent' | 'absurd'

/** An answer in place of the manifest, and what its body is. */
export interface ExportFailure {
  readonly status: number
  readonly form: 'outcome' | 'html'
}

export interface StatusBehaviour {
  /** Status polls answered 202 before the manifest. */
  pollsBeforeDone: number
  /** Every poll is 202, for ever. */
  neverDone: boolean
  /** Exports of which every poll is 202, for ever: with a `_since` that is no instant, or of an empty Group (Medplum). */
  neverDoneFor: readonly ('bad-since' | 'empty-group')[]
  /** `Retry-After` of a 202 and a 429. */
  retryAfterSeconds: number
  /** How `Retry-After` is written; `absurd` asks for a thousand days. */
  retryAfter: RetryAfterForm
  /** Whether a 202 has `X-Progress`. */
  progress: boolean
  /** Every other 202 has a body: JSON, and no manifest (reference server). */
  chattyPolls: boolean
  /** So many polls of a job, the first ones, are 500 with an OperationOutcome of code `transient` (reference server). */
  transientPolls: number
  /**
   * Calls to the FHIR base in any 60 seconds; those beyond are 429, the first with `Retry-After` in epoch milliseconds,
   * the next in epoch seconds, whatever `retryAfter` says (reference server: 60). 0 for no limit.
   */
  callsPerMinute: number
  /** `Content-Type` of an OperationOutcome that says what is wrong, in an answer or in an error file. */
  outcomeType: string
  /** How the job ends, if not well; 413 with HTML is the reference server's "too many files". */
  exportFailure: ExportFailure | null
  /**
   * When resources are read. `poll`: each poll reads one more type, as the store then is, and the job is done after the
   * last (Medplum); partial manifests are not given then.
   */
  readsAt: 'kick-off' | 'poll'
  /** `end`: the manifest's `transactionTime` is when the job ended (Medplum, HAPI until 2025). */
  transactionTime: 'start' | 'end'
  /** Answer to the DELETE of a job that is done; one of 400 and more leaves it there (HAPI: 404). */
  releaseStatus: number
}

export const PLAIN_STATUS: Readonly<StatusBehaviour> = {
  pollsBeforeDone: 1,
  neverDone: false,
  neverDoneFor: [],
  retryAfterSeconds: 1,
  retryAfter: 'seconds',
  progress: true,
  chattyPolls: false,
  transientPolls: 0,
  callsPerMinute: 0,
  outcomeType: 'application/fhir+json; charset=utf-8',
  exportFailure: null,
  readsAt: 'kick-off',
  transactionTime: 'start',
  releaseStatus: 202,
}

export const STATUS_CHECKS: Checks<StatusBehaviour> = {
  pollsBeforeDone: count,
  neverDone: flag,
  neverDoneFor: listOf(oneOf('bad-since', 'empty-group')),
  retryAfterSeconds: count,
  retryAfter: oneOf('seconds', 'http-date', 'epoch-seconds', 'epoch-milliseconds', 'absent', 'absurd'),
  progress: flag,
  chattyPolls: flag,
  transientPolls: count,
  callsPerMinute: count,
  outcomeType: text,
  exportFailure: nullOr(shape({ status: status(400, 599), form: oneOf('outcome', 'html') })),
  readsAt: oneOf('kick-off', 'poll'),
  transactionTime: oneOf('start', 'end'),
  releaseStatus: status(200, 599),
}

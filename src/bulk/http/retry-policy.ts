/** One table for every step: which answers mean wait, try again, sign in again, start again, or give up. */

/** What the request was for: the same status means different things. */
export type Step = 'discovery' | 'token' | 'kick-off' | 'status' | 'file' | 'release' | 'published'

/** A step, or the export itself where its status comes apart from that of the request for it (X-Export-Status). */
export type Judged = Step | 'export'

export type Verdict =
  | 'accept'
  /** Come back later, as long as the request has time. */
  | 'wait'
  /** May pass by itself: {@link RetryLimits.attemptsMax} tries. */
  | 'retry'
  /** Hardly passes by itself: {@link RetryLimits.doubtfulAttemptsMax} tries. */
  | 'doubt'
  /** The token is no longer good: get another one, once. */
  | 'sign-in-again'
  /** The server no longer has the export: another kick-off may help. */
  | 'start-again'
  /** The server no longer has, or does not give, this file. */
  | 'lost'
  | 'give-up'

/** Statuses that mean the same in every step. */
export type StatusClass =
  | 'ok'
  | 'unchanged'
  | 'bad'
  | 'unsigned'
  | 'forbidden'
  | 'missing'
  | 'mismatch'
  | 'large'
  | 'busy'
  | 'passing'
  | 'broken'
  | 'refused'
  | 'silent'

const CLASSES: Readonly<Record<number, StatusClass>> = {
  304: 'unchanged',
  400: 'bad',
  401: 'unsigned',
  403: 'forbidden',
  404: 'missing',
  408: 'passing',
  410: 'missing',
  412: 'mismatch',
  413: 'large',
  416: 'mismatch',
  425: 'passing',
  429: 'busy',
  501: 'refused',
  502: 'passing',
  503: 'busy',
  504: 'passing',
  505: 'refused',
}

/** @param status undefined where no answer came, or not a whole one */
export function classOf(status: number | undefined): StatusClass {
  if (status === undefined) return 'silent'
  if (status >= 200 && status < 300) return 'ok'
  return CLASSES[status] ?? (status >= 500 ? 'broken' : 'refused')
}

/**
 * - token, bad: Epic's token endpoint answers 400 now and then to a request that it takes a moment later.
 * - kick-off, busy: no place for another export (Bulk Data Access, "Response - Error"), for days at Epic's.
 * - status: an outage of hours does not end an export of days. Only 500 may be the export's own failure as well as a
 *   proxy's; so it is asked for again over some minutes, and then believed.
 * - file, mismatch: what is there no longer fits a Range; who asked for one begins the file anew.
 * - release, missing: a second DELETE (reference server), or one of a finished job (HAPI): what was asked for is so.
 */
export const VERDICTS: Readonly<Record<Judged, Readonly<Record<StatusClass, Verdict>>>> = {
  discovery: {
    ok: 'accept',
    unchanged: 'give-up',
    bad: 'give-up',
    unsigned: 'give-up',
    forbidden: 'give-up',
    missing: 'give-up',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'retry',
    passing: 'retry',
    broken: 'retry',
    refused: 'give-up',
    silent: 'retry',
  },
  token: {
    ok: 'accept',
    unchanged: 'give-up',
    bad: 'doubt',
    unsigned: 'give-up',
    forbidden: 'give-up',
    missing: 'give-up',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'retry',
    passing: 'retry',
    broken: 'retry',
    refused: 'give-up',
    silent: 'retry',
  },
  'kick-off': {
    ok: 'accept',
    unchanged: 'give-up',
    bad: 'give-up',
    unsigned: 'sign-in-again',
    forbidden: 'give-up',
    missing: 'give-up',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'wait',
    passing: 'retry',
    broken: 'retry',
    refused: 'give-up',
    silent: 'retry',
  },
  status: {
    ok: 'accept',
    unchanged: 'give-up',
    bad: 'give-up',
    unsigned: 'sign-in-again',
    forbidden: 'give-up',
    missing: 'start-again',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'wait',
    passing: 'wait',
    broken: 'retry',
    refused: 'give-up',
    silent: 'wait',
  },
  export: {
    ok: 'accept',
    unchanged: 'give-up',
    bad: 'give-up',
    unsigned: 'give-up',
    forbidden: 'give-up',
    missing: 'start-again',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'wait',
    passing: 'give-up',
    broken: 'give-up',
    refused: 'give-up',
    silent: 'wait',
  },
  file: {
    ok: 'accept',
    unchanged: 'lost',
    bad: 'lost',
    unsigned: 'sign-in-again',
    forbidden: 'lost',
    missing: 'lost',
    mismatch: 'lost',
    large: 'lost',
    busy: 'retry',
    passing: 'retry',
    broken: 'retry',
    refused: 'lost',
    silent: 'retry',
  },
  release: {
    ok: 'accept',
    unchanged: 'give-up',
    bad: 'give-up',
    unsigned: 'sign-in-again',
    forbidden: 'give-up',
    missing: 'accept',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'retry',
    passing: 'retry',
    broken: 'doubt',
    refused: 'give-up',
    silent: 'retry',
  },
  published: {
    ok: 'accept',
    unchanged: 'accept',
    bad: 'give-up',
    unsigned: 'sign-in-again',
    forbidden: 'give-up',
    missing: 'give-up',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'retry',
    passing: 'retry',
    broken: 'retry',
    refused: 'give-up',
    silent: 'retry',
  },
}

/**
 * http://hl7.org/fhir/issue-type: the codes under `transient`, with which a server says that trying again may help.
 * `exception` stands there too, but servers write it for whatever went wrong for good.
 */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'transient',
  'lock-error',
  'no-store',
  'timeout',
  'incomplete',
  'throttled',
])

/** What a code of {@link PASSING_CODES} makes of any answer but a good one and a 401. */
const PASSING_VERDICT: Readonly<Record<Judged, Verdict>> = {
  discovery: 'retry',
  token: 'retry',
  'kick-off': 'wait',
  status: 'wait',
  export: 'wait',
  file: 'retry',
  release: 'retry',
  published: 'retry',
}

/** With which a server says, under a status of any kind, that what was asked for is no more. */
const GONE_CODES: ReadonlySet<string> = new Set(['not-found', 'deleted', 'expired'])

/**
 * @param status undefined where no answer came, or not a whole one
 * @param issueCodes of the OperationOutcome in the answer, if it holds one
 */
export function judge(judged: Judged, status: number | undefined, issueCodes: readonly string[]): Verdict {
  const verdict = VERDICTS[judged][classOf(status)]
  if (verdict === 'accept' || verdict === 'sign-in-again') return verdict
  if (issueCodes.some((code) => PASSING_CODES.has(code))) return PASSING_VERDICT[judged]
  const isGone = issueCodes.some((code) => GONE_CODES.has(code))
  if (isGone && (judged === 'status' || judged === 'export') && ['give-up', 'retry'].includes(verdict)) {
    return 'start-again'
  }
  return verdict
}

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
  /** Hardly passes by itself: a few tries, of a status over some minutes, and then it is believed; two of a kick-off. */
  | 'doubt'
  /** The token is no longer good: get another one, once. */
  | 'sign-in-again'
  /** The server says that it no longer has the export, over a minute at least: then another kick-off may help. */
  | 'start-again'
  /** The server no longer has, or does not give, this file. */
  | 'lost'
  | 'give-up'

/** Statuses that mean the same in every step. */
export type StatusClass =
  | 'ok'
  /** A good status over something else than was asked for, or a redirect that leads nowhere ({@link OddAnswer}). */
  | 'odd'
  | 'unchanged'
  | 'bad'
  | 'unsigned'
  | 'forbidden'
  | 'missing'
  | 'gone'
  | 'mismatch'
  | 'large'
  | 'busy'
  | 'passing'
  | 'broken'
  | 'refused'
  /** No answer, or not a whole one, to a request that may have arrived. */
  | 'silent'
  /** No connection: nobody was asked. */
  | 'unsent'

const CLASSES: Readonly<Record<number, StatusClass>> = {
  304: 'unchanged',
  400: 'bad',
  401: 'unsigned',
  403: 'forbidden',
  404: 'missing',
  408: 'passing',
  410: 'gone',
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

/** Of an answer: its status, or what it is in place of one. */
export type Answered = number | 'odd' | 'silent' | 'unsent'

export function classOf(status: Answered): StatusClass {
  if (typeof status === 'string') return status
  if (status >= 200 && status < 300) return 'ok'
  return CLASSES[status] ?? (status >= 500 ? 'broken' : 'refused')
}

/**
 * - token, bad: Epic's token endpoint answers 400 now and then to a request that it takes a moment later.
 * - kick-off, busy: no place for another export (Bulk Data Access, "Response - Error"), for days at Epic's.
 * - kick-off, odd: it may have begun an export, and must not be sent again.
 * - kick-off, silent: it may have begun one that nobody will ever fetch, and the next try another.
 * - status: an outage of hours does not end an export of days, and neither does one odd answer, of a proxy or of a sign-in
 *   page: it is doubted. {@link SPOKEN} is what the server itself says.
 * - status, large: the reference server's word for too many files is a web page.
 * - file, mismatch: what is there no longer fits a Range; who asked for one begins the file anew.
 * - release, silent: the export expires by itself, and nobody waits for that.
 * - release, missing: a second DELETE (reference server), or one of a finished job (HAPI): what was asked for is so.
 */
export const VERDICTS: Readonly<Record<Judged, Readonly<Record<StatusClass, Verdict>>>> = {
  discovery: {
    ok: 'accept',
    odd: 'give-up',
    unchanged: 'give-up',
    bad: 'give-up',
    unsigned: 'give-up',
    forbidden: 'give-up',
    missing: 'give-up',
    gone: 'give-up',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'retry',
    passing: 'retry',
    broken: 'retry',
    refused: 'give-up',
    silent: 'retry',
    unsent: 'retry',
  },
  token: {
    ok: 'accept',
    odd: 'doubt',
    unchanged: 'give-up',
    bad: 'doubt',
    unsigned: 'give-up',
    forbidden: 'give-up',
    missing: 'give-up',
    gone: 'give-up',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'retry',
    passing: 'retry',
    broken: 'retry',
    refused: 'give-up',
    silent: 'retry',
    unsent: 'retry',
  },
  'kick-off': {
    ok: 'accept',
    odd: 'give-up',
    unchanged: 'give-up',
    bad: 'give-up',
    unsigned: 'sign-in-again',
    forbidden: 'give-up',
    missing: 'give-up',
    gone: 'give-up',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'wait',
    passing: 'retry',
    broken: 'retry',
    refused: 'give-up',
    silent: 'doubt',
    unsent: 'retry',
  },
  status: {
    ok: 'accept',
    odd: 'doubt',
    unchanged: 'doubt',
    bad: 'doubt',
    unsigned: 'sign-in-again',
    forbidden: 'doubt',
    missing: 'doubt',
    gone: 'start-again',
    mismatch: 'doubt',
    large: 'give-up',
    busy: 'wait',
    passing: 'wait',
    broken: 'doubt',
    refused: 'doubt',
    silent: 'wait',
    unsent: 'wait',
  },
  export: {
    ok: 'accept',
    odd: 'doubt',
    unchanged: 'give-up',
    bad: 'give-up',
    unsigned: 'give-up',
    forbidden: 'give-up',
    missing: 'start-again',
    gone: 'start-again',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'wait',
    passing: 'give-up',
    broken: 'give-up',
    refused: 'give-up',
    silent: 'wait',
    unsent: 'wait',
  },
  file: {
    ok: 'accept',
    odd: 'lost',
    unchanged: 'lost',
    bad: 'lost',
    unsigned: 'sign-in-again',
    forbidden: 'lost',
    missing: 'lost',
    gone: 'lost',
    mismatch: 'lost',
    large: 'lost',
    busy: 'retry',
    passing: 'retry',
    broken: 'retry',
    refused: 'lost',
    silent: 'retry',
    unsent: 'retry',
  },
  release: {
    ok: 'accept',
    odd: 'give-up',
    unchanged: 'give-up',
    bad: 'give-up',
    unsigned: 'sign-in-again',
    forbidden: 'give-up',
    missing: 'accept',
    gone: 'accept',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'retry',
    passing: 'retry',
    broken: 'doubt',
    refused: 'give-up',
    silent: 'doubt',
    unsent: 'doubt',
  },
  published: {
    ok: 'accept',
    odd: 'doubt',
    unchanged: 'accept',
    bad: 'give-up',
    unsigned: 'sign-in-again',
    forbidden: 'give-up',
    missing: 'give-up',
    gone: 'give-up',
    mismatch: 'give-up',
    large: 'give-up',
    busy: 'retry',
    passing: 'retry',
    broken: 'retry',
    refused: 'give-up',
    silent: 'retry',
    unsent: 'retry',
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

/** What a code of {@link PASSING_CODES} makes of any answer but a good one and a 401; see {@link judge} for a kick-off's. */
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

/** Of a status that is doubted, what is the server's own word where an OperationOutcome comes with it. */
const SPOKEN: ReadonlySet<StatusClass> = new Set(['bad', 'mismatch', 'refused'])

/**
 * A kick-off whose status is final (400) is not waited for with its whole deadline, whatever code comes with it: servers
 * write `incomplete` over requests they can not read.
 * @param issueCodes of the OperationOutcome in the answer, if it holds one
 */
export function judge(judged: Judged, status: Answered, issueCodes: readonly string[]): Verdict {
  const group = classOf(status)
  const verdict = VERDICTS[judged][group]
  if (verdict === 'accept' || verdict === 'sign-in-again') return verdict
  if (issueCodes.some((code) => PASSING_CODES.has(code))) {
    return judged === 'kick-off' && verdict === 'give-up' ? 'retry' : PASSING_VERDICT[judged]
  }
  if (judged !== 'status' && judged !== 'export') return verdict
  const mayBeFinal = verdict === 'give-up' || verdict === 'doubt'
  if (mayBeFinal && issueCodes.some((code) => GONE_CODES.has(code))) return 'start-again'
  return verdict === 'doubt' && issueCodes.length > 0 && SPOKEN.has(group) ? 'give-up' : verdict
}

/** Failures in words: what a request that did not succeed tells the operator. */
import { StokerError } from '../../core/errors.ts'
import { causeHint } from './cause-hint.ts'
import type { HttpAnswer, HttpRequest } from './http.ts'
import type { ServerWords } from './outcome.ts'
import { classOf, type Judged, type StatusClass, type Step, type Verdict } from './retry-policy.ts'
import { shown } from './url.ts'

/** What {@link refusal} is made of. */
export interface Refused {
  readonly asked: HttpRequest
  readonly answer: HttpAnswer
  /** Of the answer, or of the export where it comes apart. */
  readonly status: number
  readonly judged: Judged
  readonly verdict: Verdict
  readonly words: ServerWords
  /** Whether a token went along, and whether another one can be had. */
  readonly signedIn: 'no' | 'fixed' | 'renewable'
}

/** For an answer that says no. */
export function refusal({ asked, answer, status, judged, verdict, words, signedIn }: Refused): StokerError {
  const said = words.text === '' ? '' : `: ${words.text}`
  // A server's words may name a patient: they are for whoever sits there now, its codes for the ledger too.
  const code = words.code === undefined ? '' : `: ${words.code}`
  const refused = `the server refused ${STEP_WORDS[asked.step]} (${status})`
  const record = `${refused}${code}`
  const message = `${refused}${said}`
  const facts = { step: asked.step, status, url: shown(answer.url), issue: words.codes[0] }
  const isGone = verdict === 'doubt' && judged === 'status' && classOf(status) === 'missing'
  switch (isGone ? 'start-again' : verdict) {
    case 'start-again':
      return new StokerError('BULK_EXPORT_GONE', 'the server no longer knows the export', {
        hint: 'run again: a new export is asked for',
        facts,
        retryable: true,
      })
    case 'lost':
      return new StokerError('BULK_FILE_LOST', message, {
        hint:
          status === 403 || status === 400
            ? "check whether the file's host needs the token (tokenOrigins) or must not get it"
            : 'its types are held back and asked for again by the next run',
        facts,
        record,
      })
    case 'sign-in-again':
      return new StokerError('BULK_UNAUTHORIZED', message, {
        hint: UNAUTHORIZED_HINTS[signedIn],
        facts,
        record,
        retryable: UNDER_WAY.has(asked.step),
      })
    case 'wait':
    case 'retry':
      return new StokerError('BULK_BUSY', message, {
        hint: 'the server has too much to do, or is down for a while: run again later, and ask its operator if that lasts',
        facts,
        record,
        retryable: true,
      })
    default:
  }
  const hint = asked.hint ?? hintFor(judged, status, words.codes)
  if (judged === 'export' || (judged === 'status' && FAILED_EXPORT.has(classOf(status)))) {
    const failed = `the export failed at the server (${status})`
    return new StokerError('BULK_EXPORT_FAILED', `${failed}${said}`, { hint, facts, record: `${failed}${code}` })
  }
  return new StokerError('BULK_REFUSED', message, { hint, facts, record })
}

/** With these an export is under way: it is there still when the operator has mended how the source signs in. */
const UNDER_WAY: ReadonlySet<Step> = new Set(['status', 'file'])

/** Where the sign-in for a request failed: of an export that is under way, that is the operator's to mend. */
export function notSignedIn(step: Step, error: unknown): unknown {
  if (!(error instanceof StokerError) || error.retryable || !UNDER_WAY.has(step)) return error
  const { message, hint, facts, record } = error
  return new StokerError('BULK_UNAUTHORIZED', message, {
    ...(hint && { hint }),
    facts,
    record,
    retryable: true,
    cause: error,
  })
}

/** Statuses that say of an export that it failed (Bulk Data Access, "Response - Error Status"). */
const FAILED_EXPORT: ReadonlySet<StatusClass> = new Set(['bad', 'large', 'broken', 'refused'])

const UNAUTHORIZED_HINTS: Readonly<Record<Refused['signedIn'], string>> = {
  no: 'the server wants a token and got none: check auth, and tokenOrigins for files on another host',
  fixed: 'the token of the configuration is not taken (any more) and can not be renewed: check auth, give a new token',
  renewable: "a new token was not taken either: check the client's permissions and the scope at the server",
}

/** Issue codes for an export that is more than the server does at one time. */
const TOO_MUCH: ReadonlySet<string> = new Set(['too-costly', 'too-long'])

function hintFor(judged: Judged, status: number, codes: readonly string[]): string {
  const isOfExport = judged === 'kick-off' || judged === 'status' || judged === 'export'
  if (isOfExport && (status === 413 || codes.some((code) => TOO_MUCH.has(code)))) {
    return 'ask for less at a time: fewer types, typeFilters, or a smaller Group, in several sources if need be'
  }
  if (judged === 'kick-off' && status === 403) {
    return "check the client's permissions and the scope: some servers refuse a token that was asked for with a scope"
  }
  if (judged === 'kick-off' && status === 404) {
    return 'check baseUrl (the part before /$export), then level and group of the source: the server has no such export'
  }
  if (judged === 'kick-off' && codes.includes('not-supported')) {
    return `${HINTS[judged]}; a profile whose kickOff.reads lacks a parameter never sends it`
  }
  return HINTS[judged]
}

/** For an answer that did not come, or not whole. */
export function unreachable(asked: HttpRequest, cause: unknown): StokerError {
  const code = (cause as { code?: unknown } | null)?.code
  return new StokerError('BULK_UNREACHABLE', `${STEP_WORDS[asked.step]} failed: ${asked.url.host} ${reachText(code)}`, {
    retryable: true,
    hint:
      causeHint(code) ??
      'check that the server is up and that this machine reaches it (name, port, proxy, certificate)',
    facts: { step: asked.step, host: asked.url.host, cause: typeof code === 'string' ? code : undefined },
    cause,
  })
}

function reachText(code: unknown): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refuses the connection'
    case 'ENOTFOUND':
      return 'has no address'
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return 'does not answer in time'
    case 'CERT_HAS_EXPIRED':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
      return `has a certificate that is not trusted (${code})`
    default:
      if (typeof code === 'string' && /^(Z_|ERR__)/.test(code)) return 'sent a body that can not be decompressed'
      return typeof code === 'string' ? `broke the connection (${code})` : 'broke the connection'
  }
}

const STEP_WORDS: Readonly<Record<Step, string>> = {
  discovery: 'the discovery',
  token: 'the token request',
  'kick-off': 'the export request',
  status: 'the status request',
  file: 'the download',
  release: 'the deletion of the export',
  published: 'the request for the published manifest',
}

/** A token request brings its own. */
const HINTS: Readonly<Record<Judged, string>> = {
  discovery: 'check baseUrl, or give auth.tokenUrl in the configuration',
  token: 'check auth',
  'kick-off': 'check level, group and types of the source against what the server can export (stoker check)',
  status: "run again; if it stays, ask the server's operator about the export",
  export: "run again; if it stays, ask the server's operator about the export",
  file: "run again; if it stays, ask the server's operator about the export",
  release: 'the export expires at the server by itself',
  published: 'check the address of the manifest',
}

/** What was asked and answered, for a vendor's support desk: one line of JSON an exchange, no token, no content. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../../core/clock.ts'
import { headerDate } from './header-date.ts'
import type { Issue } from './outcome.ts'
import { percentDone } from './percent-done.ts'
import type { Step } from './retry-policy.ts'
import type { Secrets } from './secrets.ts'

/** Where lines go, each with its line end: a file's write stream will do. */
export interface Trace {
  write(line: string): unknown
}

export interface TracedRequest {
  readonly step: Step
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly secrets: Secrets
}

/** One exchange as it goes on; its line is written when it ends. */
export class TracedExchange {
  private readonly trace: Trace
  private readonly clock: Clock
  private readonly request: TracedRequest
  private readonly began: Date
  private answer: { status: number; headers: IncomingHttpHeaders; ms: number } | undefined
  private bytes = 0

  constructor(trace: Trace, clock: Clock, request: TracedRequest) {
    this.trace = trace
    this.clock = clock
    this.request = request
    this.began = clock.now()
  }

  /** Of the body, as they came over the wire. */
  count(bytes: number): void {
    this.bytes += bytes
  }

  answered(status: number, headers: IncomingHttpHeaders): void {
    this.answer = { status, headers, ms: this.msSoFar() }
  }

  /**
   * @param issues severity and code of the OperationOutcome in the answer, never its words
   * @param failure in place of an answer, or of the rest of it
   */
  end(issues: readonly Issue[] = [], failure?: string): void {
    const { step, method, url, headers, secrets } = this.request
    const hide = (text: string) => secrets.hide(text, HIDDEN)
    const line = {
      time: this.began.toISOString(),
      step,
      method,
      url: hide(tracedUrl(url)),
      request: tracedHeaders(headers, REQUEST_HEADERS, hide),
      status: this.answer?.status,
      response: this.answer && tracedHeaders(this.answer.headers, RESPONSE_HEADERS, hide),
      answeredMs: this.answer?.ms,
      endedMs: this.msSoFar(),
      bytes: this.bytes,
      issues: issues.length === 0 ? undefined : issues,
      failure,
    }
    this.trace.write(`${JSON.stringify(line)}\n`)
  }

  private msSoFar(): number {
    return this.clock.now().getTime() - this.began.getTime()
  }
}

const HIDDEN = '[hidden]'

/** What a kick-off or a page may ask for; any other value may be a signature. `patient` would name a person. */
const SHOWN_PARAMETERS: ReadonlySet<string> = new Set([
  '_type',
  '_since',
  '_until',
  '_elements',
  '_typeFilter',
  '_outputFormat',
  'includeAssociatedData',
  'organizeOutputBy',
  'allowPartialManifests',
  '_jobId',
  'page',
])

/** Names of query parameters are shown, and the values of those above; a path's signed part is not. */
export function tracedUrl(url: URL): string {
  const pairs = [...url.searchParams].map(
    ([name, value]) => `${encodeURIComponent(name)}=${SHOWN_PARAMETERS.has(name) ? encodeURIComponent(value) : HIDDEN}`,
  )
  const query = pairs.length === 0 ? '' : `?${pairs.join('&')}`
  return hideTokens(`${url.origin}${url.pathname}${query}`)
}

const REQUEST_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'cache-control',
  'content-type',
  'if-match',
  'if-none-match',
  'if-range',
  'prefer',
  'range',
  'user-agent',
])

const RESPONSE_HEADERS: ReadonlySet<string> = new Set([
  'accept-ranges',
  'age',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'date',
  'etag',
  'expires',
  'keep-alive',
  'last-modified',
  'location',
  'preference-applied',
  'retry-after',
  'server',
  'transfer-encoding',
  'vary',
  'via',
  'www-authenticate',
  'x-export-status',
  'x-powered-by',
  'x-progress',
])

/** By which a vendor finds the request in its own logs; every vendor names it in its own way. */
const REQUEST_ID = /(^|-)(request|correlation|trace|transaction|interaction)-?id$/

const VALUE_LENGTH_MAX = 300

const withoutQuery = (text: string): string => text.replace(/[?#].*$/, '')

/** Of headers that servers fill as they like: what can name nobody. */
const CUTS: Readonly<Record<string, (text: string) => string>> = {
  location: withoutQuery,
  'content-location': withoutQuery,
  'x-progress': (text) => percentText(percentDone(text)) ?? lengthOf(text),
  'x-export-status': (text) => /^\s*\d{3}\b/.exec(text)?.[0].trim() ?? lengthOf(text),
  'retry-after': (text) => (/^\d+(\.\d+)?$/.test(text) || headerDate(text) !== undefined ? text : lengthOf(text)),
  // The scheme, and what RFC 6750 §3.1 has codes for.
  'www-authenticate': (text) =>
    [/^[\w-]+/.exec(text)?.[0], /\berror="[a-z_]{1,40}"/.exec(text)?.[0]].filter(Boolean).join(' ') || lengthOf(text),
}

function percentText(percent: number | undefined): string | undefined {
  return percent === undefined ? undefined : `${percent}%`
}

function lengthOf(text: string): string {
  return `${text.length} characters`
}

/** Of any other header only the name is shown: a profile may send a key of the operator's. */
function tracedHeaders(
  headers: IncomingHttpHeaders,
  shown: ReadonlySet<string>,
  hide: (text: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([key, value]) => {
      const name = key.toLowerCase()
      if (!shown.has(name) && !REQUEST_ID.test(name)) return [name, HIDDEN]
      const text = [value ?? ''].flat().join(', ')
      const cut = CUTS[name]?.(text) ?? text
      // Cut short when nothing secret is left in it: half a token is none that would be found.
      return [name, hideTokens(hide(cut)).slice(0, VALUE_LENGTH_MAX)]
    }),
  )
}

/** JSON Web Tokens, wherever they stand: a file's path may be one. */
function hideTokens(text: string): string {
  return text.replace(/eyJ[\w-]+\.[\w.-]+/g, HIDDEN)
}

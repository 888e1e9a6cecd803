/** HTTP for every step: one request, with its tries again. */
import { setMaxListeners } from 'node:events'
import type { Dispatcher } from 'undici'
import type { Clock } from '../../core/clock.ts'
import { isAbort, StokerError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { BrokenBody, errorText, OddAnswer } from './body.ts'
import { CallBudget } from './call-budget.ts'
import { Exchanges, NotSent, type Exchanged } from './exchange.ts'
import { refusal, unreachable } from './failure.ts'
import { serverWords } from './outcome.ts'
import { retryAfterMs } from './retry-after.ts'
import { mayTryAgain, waitMs, type RetryLimits } from './retry-pace.ts'
import { judge, type Judged, type Step, type Verdict } from './retry-policy.ts'
import { Secrets } from './secrets.ts'
import { sleepFor } from './sleep.ts'
import type { Trace } from './trace.ts'

export interface HttpRequest {
  readonly step: Step
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Whether a URL is of the source's own origins; to others go harmless headers only. */
  readonly isHome?: (url: URL) => boolean
  /** The token for a URL, or undefined where it must not go (invariant 9). Asked anew at each redirect and try. */
  readonly token?: (url: URL) => Promise<string | undefined>
  /** What the body or the headers hold and no error may quote, should the server repeat it. */
  readonly secrets?: readonly string[]
  /** The way out of a refusal, where the asker knows better than {@link refusal}. */
  readonly hint?: string
  /** Told when the server does not take the token it was given; says whether another one can be had. */
  readonly refused?: (token: string) => boolean
  /** Until then it is tried again where the server says to come back later, however often. */
  readonly deadline?: Date
  /** Told of waits in place of {@link HttpOptions.onWait}, by whoever knows more of the request. */
  readonly onWait?: ((wait: ServerWait) => void) | undefined
  /** Around such a wait. */
  readonly aside?: ((wait: () => Promise<void>) => Promise<void>) | undefined
  /** In place of {@link HttpOptions.log}: one that knows what the request is for. */
  readonly log?: Log | undefined
}

export interface HttpAnswer {
  readonly status: number
  readonly url: URL
  readonly headers: Dispatcher.ResponseData['headers']
  readonly body: Dispatcher.ResponseData['body']
}

export interface HttpOptions {
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly limits: RetryLimits
  readonly allowHttp: boolean
  readonly userAgent: string
  /** Shared with other clients of the process, as far as they call the same hosts. */
  readonly budget?: CallBudget | undefined
  /** Calls a minute to `host`, and to any other host but those that only keep files. */
  readonly pace?: { readonly host: string; readonly callsPerMinute: number } | undefined
  readonly trace?: Trace | undefined
  /** Told before a wait of some seconds or more between two tries. */
  readonly onWait?: ((wait: ServerWait) => void) | undefined
}

/** A server that is busy, or out of reach, is asked again after a while. */
export interface ServerWait {
  readonly step: Step
  /** Of the error that would have been. */
  readonly code: string
  /** Of the answer; undefined where none came. */
  readonly status: number | undefined
  readonly ms: number
}

const TOLD_FROM_MS = 5_000

interface Failed {
  readonly verdict: Verdict
  readonly error: StokerError
  readonly askedMs: number | undefined
  readonly renewable: boolean
}

export class Http {
  /** From 0 to 1, for jitter. */
  readonly random: () => number
  private readonly options: HttpOptions
  private readonly budget: CallBudget
  /** Of all its requests so far. */
  readonly secrets = new Secrets()
  private readonly exchanges: Exchanges

  constructor(options: HttpOptions) {
    this.options = options
    this.random = options.random
    this.budget = options.budget ?? new CallBudget(options.clock)
    this.exchanges = new Exchanges({ ...options, budget: this.budget, secrets: this.secrets })
  }

  /**
   * Sends until `take` has the answer it wants. `take` gets accepted answers only; where it throws a
   * {@link BrokenBody} or an {@link OddAnswer}, the request may be sent again. Its other errors are passed on. What it leaves unread of the body is
   * thrown away. A request given as a function is made anew for each try.
   * @throws StokerError BULK_REFUSED, BULK_UNAUTHORIZED, BULK_EXPORT_GONE, BULK_EXPORT_FAILED, BULK_FILE_LOST,
   *   BULK_BUSY, BULK_UNREACHABLE
   */
  async send<T>(
    request: HttpRequest | (() => Promise<HttpRequest>),
    take: (answer: HttpAnswer) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    // Each request in flight listens, and goes: Node's warning at eleven listeners is meant for those that stay.
    setMaxListeners(0, signal)
    const { clock, limits, random } = this.options
    let signedInAgain = false
    const attempts = new Map<Verdict, number>()
    for (;;) {
      signal.throwIfAborted()
      const asked = typeof request === 'function' ? await request() : request
      const result = await this.attempt(asked, take, signal)
      if ('value' in result) return result.value
      const { verdict, error, askedMs, renewable } = result
      if (verdict === 'sign-in-again') {
        if (signedInAgain || !renewable) throw error
        signedInAgain = true
        continue
      }
      // The token was good; in a wait of days the next one may expire as well.
      signedInAgain = false
      const msLeft = asked.deadline === undefined ? undefined : asked.deadline.getTime() - clock.now().getTime()
      const attempt = (attempts.get(verdict) ?? 0) + 1
      attempts.set(verdict, attempt)
      if (!mayTryAgain(asked.step, verdict, attempt, msLeft, limits)) throw error
      const wait = Math.min(msLeft ?? Infinity, waitMs(asked.step, verdict, attempt, askedMs, limits, random))
      const log = asked.log ?? this.options.log
      log.debug({ step: asked.step, attempt, code: error.code, waitMs: wait }, 'trying again')
      if (wait >= TOLD_FROM_MS) {
        const tell = asked.onWait ?? this.options.onWait
        const { status } = error.facts
        tell?.({
          step: asked.step,
          code: error.code,
          status: typeof status === 'number' ? status : undefined,
          ms: wait,
        })
      }
      const sleep = () => sleepFor(clock, wait, signal)
      await (wait >= TOLD_FROM_MS && asked.aside !== undefined ? asked.aside(sleep) : sleep())
    }
  }

  async close(): Promise<void> {
    await this.exchanges.close()
  }

  private async attempt<T>(
    asked: HttpRequest,
    take: (answer: HttpAnswer) => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ value: T } | Failed> {
    let exchanged: Exchanged
    try {
      exchanged = await this.exchanges.follow(asked, signal)
    } catch (error) {
      if (isAbort(error)) throw error
      signal.throwIfAborted()
      if (error instanceof OddAnswer) return this.odd(asked.step, error)
      return error instanceof NotSent
        ? this.unanswered(asked, 'unsent', error.cause)
        : this.unanswered(asked, 'silent', error)
    }
    const { answer, token, traced } = exchanged
    // A body that is thrown away unread ends with an error, and by then nobody listens.
    answer.body.on('error', () => undefined)
    const isSeparate = asked.step === 'status' && answer.status < 300 && exportStatusOf(answer) !== answer.status
    const status = isSeparate ? exportStatusOf(answer) : answer.status
    const judged = isSeparate ? 'export' : asked.step
    if (judge(judged, status, []) === 'accept') {
      try {
        const value = await take(answer)
        traced?.end()
        return { value }
      } catch (error) {
        traced?.end([], error instanceof BrokenBody ? 'the body broke off' : 'the body was not used')
        signal.throwIfAborted()
        if (error instanceof BrokenBody) return this.unanswered(asked, 'silent', error.cause)
        if (!(error instanceof OddAnswer)) throw error
        return this.odd(judged, error)
      } finally {
        answer.body.destroy()
      }
    }
    const words = serverWords(await errorText(answer.body), this.secrets)
    traced?.end(words.issues)
    signal.throwIfAborted()
    const verdict = judge(judged, status, words.codes)
    const askedMs = retryAfterMs(headerOf(answer, 'retry-after'), this.options.clock.now())
    // A kick-off's 429 may mean that there is no place for another export, while the files of the first are fetched.
    if (status === 429 && asked.step !== 'kick-off') this.budget.pause(answer.url.host, askedMs ?? 0)
    const renewable = verdict === 'sign-in-again' && token !== undefined && (asked.refused?.(token) ?? false)
    const signedIn = token === undefined ? 'no' : renewable ? 'renewable' : 'fixed'
    return { verdict, error: refusal({ asked, answer, status, judged, verdict, words, signedIn }), askedMs, renewable }
  }

  private odd(judged: Judged, { error }: OddAnswer): Failed {
    return { verdict: judge(judged, 'odd', []), error, askedMs: undefined, renewable: false }
  }

  /** No answer, or not a whole one; an outage of the token's server ends no wait that has time left. */
  private unanswered(asked: HttpRequest, answered: 'silent' | 'unsent', cause: unknown): Failed {
    const verdict = judge(asked.step, answered, [])
    const isOutage = cause instanceof StokerError && cause.retryable && cause.code !== 'BULK_UNAUTHORIZED'
    if (cause instanceof StokerError && !(isOutage && verdict === 'wait' && asked.deadline)) throw cause
    const error = cause instanceof StokerError ? cause : unreachable(asked, cause)
    return { verdict, error, askedMs: undefined, renewable: false }
  }
}

export function headerOf(answer: Pick<HttpAnswer, 'headers'>, name: string): string | undefined {
  const value = answer.headers[name]
  return Array.isArray(value) ? value[0] : value
}

/**
 * The status of an export: that of the answer, unless the server tells them apart (Bulk Data Access 3, `Prefer:
 * separate-export-status`).
 */
export function exportStatusOf(answer: Pick<HttpAnswer, 'headers' | 'status'>): number {
  const [, digits] = /^\s*([1-5]\d\d)\b/.exec(headerOf(answer, 'x-export-status') ?? '') ?? []
  return digits === undefined ? answer.status : Number(digits)
}

/** HTTP for every step: one request with its redirects, its token, and its tries again. */
import { setMaxListeners } from 'node:events'
import { Agent, request as httpRequest, type Dispatcher } from 'undici'
import type { Clock } from '../core/clock.ts'
import { isAbort, StokerError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { BrokenBody, errorText } from './body.ts'
import { refusal, unreachable } from './failure.ts'
import { serverWords } from './outcome.ts'
import { retryAfterMs } from './retry-after.ts'
import { judge, waitMs, type RetryLimits, type Step, type Verdict } from './retry-policy.ts'
import { refuseInsecure, shown } from './url.ts'

export interface HttpRequest {
  readonly step: Step
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** The token for a URL, or undefined where it must not go (invariant 9). Asked anew at each redirect and try. */
  readonly token?: (url: URL) => Promise<string | undefined>
  /** What the body or the headers hold and no error may quote, should the server repeat it. */
  readonly secrets?: readonly string[]
  /** The way out of a refusal, where the asker knows better than {@link refusal}. */
  readonly hint?: string
  /** Told when the server does not take the token it was given. */
  readonly refused?: (token: string) => void
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
}

const REDIRECTS_MAX = 5

export class Http {
  private readonly options: HttpOptions
  private readonly agent = new Agent({
    connect: { timeout: 20_000 },
    headersTimeout: 90_000,
    bodyTimeout: 120_000,
    keepAliveTimeout: 10_000,
  })

  constructor(options: HttpOptions) {
    this.options = options
  }

  /**
   * Sends until `take` has the answer it wants. `take` gets accepted answers only; where it throws a
   * {@link BrokenBody}, the request is sent again. Its other errors are passed on. What it leaves unread of the body is
   * thrown away. A request given as a function is made anew for each try.
   * @throws StokerError BULK_REFUSED, BULK_UNAUTHORIZED, BULK_EXPORT_GONE, BULK_FILE_LOST, BULK_UNREACHABLE
   */
  async send<T>(
    request: HttpRequest | (() => Promise<HttpRequest>),
    take: (answer: HttpAnswer) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    // Each request in flight listens, and goes: Node's warning at eleven listeners is meant for those that stay.
    setMaxListeners(0, signal)
    let signedInAgain = false
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted()
      const asked = typeof request === 'function' ? await request() : request
      const result = await this.attempt(asked, take, signal)
      if ('value' in result) return result.value
      const { verdict, error, askedMs } = result
      if (verdict === 'sign-in-again' && !signedInAgain) {
        signedInAgain = true
        continue
      }
      if (verdict !== 'retry' || attempt >= this.options.limits.attemptsMax) throw error
      const wait = waitMs(asked.step, attempt, askedMs, this.options.limits, this.options.random)
      this.options.log.debug({ step: asked.step, attempt, code: error.code, waitMs: wait }, 'trying again')
      await this.options.clock.sleep(wait, signal)
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy()
  }

  private async attempt<T>(
    asked: HttpRequest,
    take: (answer: HttpAnswer) => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ value: T } | { verdict: Verdict; error: StokerError; askedMs: number | undefined }> {
    let answer: HttpAnswer
    let token: string | undefined
    try {
      ;({ answer, token } = await this.follow(asked, signal))
    } catch (error) {
      if (error instanceof StokerError || isAbort(error)) throw error
      signal.throwIfAborted()
      return { verdict: 'retry', error: unreachable(asked, error), askedMs: undefined }
    }
    // A body that is thrown away unread ends with an error, and by then nobody listens.
    answer.body.on('error', () => undefined)
    if (judge(asked.step, answer.status, []) === 'accept') {
      try {
        return { value: await take(answer) }
      } catch (error) {
        signal.throwIfAborted()
        if (!(error instanceof BrokenBody)) throw error
        return { verdict: 'retry', error: unreachable(asked, error.cause), askedMs: undefined }
      } finally {
        answer.body.destroy()
      }
    }
    const secrets = [...(asked.secrets ?? []), ...(token === undefined ? [] : [token])]
    const words = serverWords(await errorText(answer.body), secrets)
    signal.throwIfAborted()
    const verdict = judge(asked.step, answer.status, words.codes)
    if (verdict === 'sign-in-again' && token !== undefined) asked.refused?.(token)
    const askedMs = retryAfterMs(headerOf(answer, 'retry-after'), this.options.clock.now())
    return { verdict, error: refusal(asked, answer, verdict, words, token !== undefined), askedMs }
  }

  /** Redirects are followed by hand, so that the token goes to no origin it was not meant for. */
  private async follow(
    asked: HttpRequest,
    signal: AbortSignal,
  ): Promise<{ answer: HttpAnswer; token: string | undefined }> {
    let url = asked.url
    for (let redirects = 0; ; redirects += 1) {
      refuseInsecure(url, this.options.allowHttp)
      const token = await asked.token?.(url)
      const {
        statusCode: status,
        headers,
        body,
      } = await httpRequest(url, {
        method: asked.method,
        headers: {
          'user-agent': this.options.userAgent,
          // Without it a server may compress as it likes (RFC 9110 §12.5.3); only files are decompressed here.
          'accept-encoding': 'identity',
          ...asked.headers,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        ...(asked.body === undefined ? {} : { body: asked.body }),
        dispatcher: this.agent,
        signal,
      })
      const answer = { status, url, headers, body }
      const location = headerOf(answer, 'location')
      if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return { answer, token }
      await body.dump().catch(() => undefined)
      const odd =
        asked.method === 'POST'
          ? 'a POST'
          : redirects >= REDIRECTS_MAX
            ? 'without end'
            : URL.canParse(location, url.href)
              ? undefined
              : 'to what is no URL'
      if (odd !== undefined) {
        throw new StokerError('BULK_REFUSED', `${shown(url)} redirects ${odd}`, {
          hint: 'give the address it redirects to in the configuration',
        })
      }
      url = new URL(location, url)
    }
  }
}

export function headerOf(answer: Pick<HttpAnswer, 'headers'>, name: string): string | undefined {
  const value = answer.headers[name]
  return Array.isArray(value) ? value[0] : value
}

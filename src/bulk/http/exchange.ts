/** One exchange with a server, redirects and all: within the call budget, with the token where it may go, on the trace. */
import { Agent, request as httpRequest, type Dispatcher } from 'undici'
import { isAbort, StokerError } from '../../core/errors.ts'
import { OddAnswer, orOdd } from './body.ts'
import type { CallBudget } from './call-budget.ts'
import type { HttpAnswer, HttpOptions, HttpRequest } from './http.ts'
import { tryMsMax } from './retry-pace.ts'
import type { Secrets } from './secrets.ts'
import { timeLimit } from './time-limit.ts'
import { TracedExchange } from './trace.ts'
import { unlessAborted } from './unless-aborted.ts'
import { refuseInsecure, shown } from './url.ts'

export interface Exchanged {
  readonly answer: HttpAnswer
  readonly token: string | undefined
  /** To be ended by whoever reads the body. */
  readonly traced: TracedExchange | undefined
}

type ExchangeOptions = HttpOptions & { readonly budget: CallBudget; readonly secrets: Secrets }

const REDIRECTS_MAX = 5

/** Thrown where no connection could be made (refused, no such name, TLS): the server knows nothing of the request. */
export class NotSent extends Error {
  constructor(cause: unknown) {
    super('the request was not sent', { cause })
  }
}

export class Exchanges {
  private readonly options: ExchangeOptions
  private readonly agent = new Agent({
    connect: { timeout: 20_000 },
    headersTimeout: 90_000,
    bodyTimeout: 120_000,
    keepAliveTimeout: 10_000,
  })

  constructor(options: ExchangeOptions) {
    this.options = options
  }

  /**
   * Redirects are followed by hand, so that the token goes to no origin it was not meant for.
   * @throws OddAnswer for one that can not be followed
   * @throws NotSent
   */
  async follow(asked: HttpRequest, signal: AbortSignal): Promise<Exchanged> {
    const { allowHttp } = this.options
    let url = asked.url
    refuseInsecure(url, allowHttp)
    for (let redirects = 0; ; redirects += 1) {
      const exchanged = await this.once(asked, url, signal)
      const { answer, traced } = exchanged
      const location = [answer.headers.location].flat()[0]
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return exchanged
      await answer.body.dump().catch(() => undefined)
      traced?.end()
      const odd =
        asked.method === 'POST'
          ? 'a POST'
          : redirects >= REDIRECTS_MAX
            ? 'without end'
            : URL.canParse(location, url.href)
              ? undefined
              : 'to what is no URL'
      if (odd !== undefined) {
        const hint = 'give the address it redirects to in the configuration'
        throw new OddAnswer(new StokerError('BULK_REFUSED', `${shown(url)} redirects ${odd}`, { hint }))
      }
      url = new URL(location, url)
      orOdd(() => refuseInsecure(url, allowHttp))
    }
  }

  async close(): Promise<void> {
    await this.agent.destroy()
  }

  private async once(asked: HttpRequest, url: URL, signal: AbortSignal): Promise<Exchanged> {
    const { budget, clock, limits, secrets, trace, userAgent } = this.options
    await budget.take(url.host, this.callsPerMinute(asked, url), signal)
    const msMax = tryMsMax(asked.step, limits)
    const limit = timeLimit(msMax, signal)
    let traced: TracedExchange | undefined
    let sending: 'not yet' | 'connecting' | 'sent' = 'not yet'
    try {
      // After the wait for a place in the budget: a token may live for six seconds only.
      const token = await (asked.token && unlessAborted(asked.token(url), limit.signal))
      secrets.keep([...(asked.secrets ?? []), token])
      const headers = {
        'user-agent': userAgent,
        // Without it a server may compress as it likes (RFC 9110 §12.5.3); only files are decompressed here.
        'accept-encoding': 'identity',
        ...(asked.isHome?.(url) === false ? harmless(asked.headers) : asked.headers),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      }
      const { step, method, body } = asked
      traced = trace && new TracedExchange(trace, clock, { step, method, url, headers, secrets })
      sending = 'connecting'
      const watching = watched(
        () => (sending = 'sent'),
        (bytes) => traced?.count(bytes),
      )
      const answer = await httpRequest(url, {
        method,
        headers,
        ...(body === undefined ? {} : { body }),
        ...(msMax === undefined ? {} : { bodyTimeout: msMax }),
        dispatcher: this.agent.compose(watching),
        signal: limit.signal,
      })
      traced?.answered(answer.statusCode, answer.headers)
      return { answer: { status: answer.statusCode, url, headers: answer.headers, body: answer.body }, token, traced }
    } catch (error) {
      const { code } = error as { code?: unknown }
      traced?.end([], isAbort(error) ? 'stopped' : typeof code === 'string' ? code : 'no answer')
      throw sending === 'connecting' && !isAbort(error) ? new NotSent(error) : error
    } finally {
      limit.end()
    }
  }

  /** A store of files on a host of its own is not what the vendor counts. */
  private callsPerMinute({ step }: HttpRequest, url: URL): number | undefined {
    const { pace } = this.options
    return step === 'file' && url.host !== pace?.host ? undefined : pace?.callsPerMinute
  }
}

/** A profile may name headers that are keys (x-api-key): like the token they go to the source's own origins alone. */
function harmless(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS.has(name.toLowerCase())))
}

const HARMLESS: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'cache-control',
  'content-type',
  'if-none-match',
  'if-range',
  'prefer',
  'range',
])

/**
 * @param begun called when there is a connection, and the request goes over it
 * @param came bytes of the body, as they come over the wire
 */
function watched(begun: () => void, came: (bytes: number) => void): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context: unknown) => {
        begun()
        handler.onRequestStart?.(controller, context)
      },
      onResponseStart: (controller, status, headers, text) =>
        handler.onResponseStart?.(controller, status, headers, text),
      onResponseData: (controller, chunk) => {
        came(chunk.length)
        handler.onResponseData?.(controller, chunk)
      },
      onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
      onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
    })
}

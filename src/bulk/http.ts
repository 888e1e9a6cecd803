/** HTTP for every step: one request with its redirects, its token, and its tries again. */
import { Agent, request, type Dispatcher } from 'undici'
import type { Clock } from '../core/clock.ts'
import { isAbort, StokerError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { serverWords, type ServerWords } from './outcome.ts'
import { retryAfterMs } from './retry-after.ts'
import { judge, waitMs, type RetryLimits, type Step, type Verdict } from './retry-policy.ts'
import { refuseInsecure, shown } from './url.ts'

export interface HttpRequest {
  readonly step: Step
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Gives the token for a URL, or undefined where it must not go (invariant 9). Asked anew at each redirect and try. */
  readonly token?: (url: URL) => Promise<string | undefined>
  /** What the body or the headers hold and no error may quote, should the server repeat it. */
  readonly secrets?: readonly string[]
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
/** An error body is read this far; more of it would help nobody. */
const ERROR_BODY_BYTES_MAX = 64 * 1024

export class Http {
  private readonly options: HttpOptions
  private readonly agent = new Agent({
    connect: { timeout: 20_000 }, headersTimeout: 90_000, bodyTimeout: 120_000, keepAliveTimeout: 10_000,
  })

  constructor(options: HttpOptions) {
    this.options = options
  }

  /**
   * Sends until `take` has the answer it wants. `take` gets accepted answers only; where it throws a {@link BrokenBody},
   * the request is sent again. Its other errors are passed on. What it leaves unread of the body is thrown away.
   * @throws StokerError BULK_REFUSED, BULK_UNAUTHORIZED, BULK_EXPORT_GONE, BULK_FILE_LOST, BULK_UNREACHABLE
   */
  async send<T>(asked: HttpRequest, take: (answer: HttpAnswer) => Promise<T>, signal: AbortSignal): Promise<T> {
    let signedInAgain = false
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted()
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
    asked: HttpRequest, take: (answer: HttpAnswer) => Promise<T>, signal: AbortSignal,
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
    const words = serverWords(await readUpTo(answer.body, ERROR_BODY_BYTES_MAX), secrets)
    signal.throwIfAborted()
    const verdict = judge(asked.step, answer.status, words.codes)
    if (verdict === 'sign-in-again' && token !== undefined) asked.refused?.(token)
    const askedMs = retryAfterMs(headerOf(answer, 'retry-after'), this.options.clock.now())
    return { verdict, error: refusal(asked, answer, verdict, words, token !== undefined), askedMs }
  }

  /** Redirects are followed by hand, so that the token goes to no origin it was not meant for. */
  private async follow(asked: HttpRequest, signal: AbortSignal): Promise<{ answer: HttpAnswer; token: string | undefined }> {
    let url = asked.url
    for (let redirects = 0; ; redirects += 1) {
      refuseInsecure(url, this.options.allowHttp)
      const token = await asked.token?.(url)
      const { statusCode: status, headers, body } = await request(url, {
        method: asked.method,
        headers: {
          'user-agent': this.options.userAgent,
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
      const odd = asked.method === 'POST' ? 'a POST' : redirects >= REDIRECTS_MAX ? 'without end'
        : URL.canParse(location, url.href) ? undefined : 'to what is no URL'
      if (odd !== undefined) {
        throw new StokerError('BULK_REFUSED', `${shown(url)} redirects ${odd}`, {
          hint: 'give the address it redirects to in the configuration',
        })
      }
      url = new URL(location, url)
    }
  }
}

/** Thrown by a taker for a body that ended wrongly: the request is sent again. */
export class BrokenBody extends Error {
  constructor(cause: unknown) {
    super('the body ended wrongly', { cause })
  }
}

/**
 * The body as JSON; undefined where it is none.
 * @throws BrokenBody where it did not arrive whole
 */
export async function bodyJson({ body }: Pick<HttpAnswer, 'body'>): Promise<unknown> {
  const text = await body.text().catch((cause: unknown) => {
    throw new BrokenBody(cause)
  })
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

export function headerOf(answer: Pick<HttpAnswer, 'headers'>, name: string): string | undefined {
  const value = answer.headers[name]
  return Array.isArray(value) ? value[0] : value
}

async function readUpTo(body: HttpAnswer['body'], bytesMax: number): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes >= bytesMax) break
    }
  } catch {
    // The status was read; the words are a courtesy.
  }
  return Buffer.concat(chunks).toString('utf8')
}

const STEP_WORDS: Readonly<Record<Step, string>> = {
  discovery: 'the discovery', token: 'the token request', 'kick-off': 'the export request', status: 'the status request',
  file: 'the download', release: 'the deletion of the export',
}

function unreachable(asked: HttpRequest, cause: unknown): StokerError {
  const code = (cause as { code?: unknown } | null)?.code
  return new StokerError('BULK_UNREACHABLE', `${STEP_WORDS[asked.step]} failed: ${asked.url.host} ${reachText(code)}`, {
    retryable: true,
    hint: 'check that the server is up and that this machine reaches it (name, port, proxy, certificate)',
    facts: { step: asked.step, host: asked.url.host, cause: typeof code === 'string' ? code : undefined },
    cause,
  })
}

function reachText(code: unknown): string {
  switch (code) {
    case 'ECONNREFUSED': return 'refuses the connection'
    case 'ENOTFOUND': return 'has no address'
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT': return 'does not answer in time'
    default:
      if (typeof code === 'string' && /^(Z_|ERR__)/.test(code)) return 'sent a body that can not be decompressed'
      return typeof code === 'string' ? `broke the connection (${code})` : 'broke the connection'
  }
}

function refusal(asked: HttpRequest, answer: HttpAnswer, verdict: Verdict, words: ServerWords, hadToken: boolean): StokerError {
  const said = words.text === '' ? '' : `: ${words.text}`
  const message = `the server refused ${STEP_WORDS[asked.step]} (${answer.status})${said}`
  const facts = { step: asked.step, status: answer.status, url: shown(answer.url), issue: words.codes[0] }
  switch (verdict) {
    case 'gone':
      return new StokerError('BULK_EXPORT_GONE', 'the server no longer knows the export', {
        hint: 'run again: a new export is asked for', facts, retryable: true,
      })
    case 'lost':
      return new StokerError('BULK_FILE_LOST', message, {
        hint: answer.status === 403 || answer.status === 400
          ? 'check whether the file\'s host needs the token (tokenOrigins) or must not get it'
          : 'its types are held back and asked for again by the next run',
        facts,
      })
    case 'sign-in-again':
      return new StokerError('BULK_UNAUTHORIZED', message, {
        hint: hadToken ? 'check the client\'s permissions and the scope at the server' : 'the server wants a token and got none: check auth, and tokenOrigins for files on another host',
        facts,
      })
    case 'retry':
      return new StokerError('BULK_BUSY', message, { retryable: true, hint: 'the server said to come back later: run again', facts })
    default:
      return new StokerError('BULK_REFUSED', message, { hint: HINTS[asked.step], facts })
  }
}

const HINTS: Readonly<Record<Step, string>> = {
  discovery: 'check baseUrl, or give auth.tokenUrl in the configuration',
  token: 'check the client id, that the server knows the public key (kid and algorithm), and the scope (scope: none asks for none)',
  'kick-off': 'check level, group and types of the source against what the server can export',
  status: 'run again; if it stays, ask the server\'s operator about the export',
  file: 'run again; if it stays, ask the server\'s operator about the export',
  release: 'the export expires at the server by itself',
}

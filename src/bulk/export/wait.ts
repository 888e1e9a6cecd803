/** Waiting for an export: its manifest page by page, as the pages come. */
import { StokerError } from '../../core/errors.ts'
import type { Connection } from '../server/connection.ts'
import { isEmpty, PageGatherer, wholeOf } from './manifest-pages.ts'
import { invalid, type Manifest, type NextPage } from './manifest.ts'
import { release } from './release.ts'
import { POLL_MS_MIN } from '../http/retry-pace.ts'
import { sleepFor } from '../http/sleep.ts'
import { poll, type StatusAnswer } from './status.ts'

export interface WaitOptions {
  /** When to stop waiting; an outage of the server before that is borne. */
  readonly deadline: Date
  readonly onProgress: (progress: { readonly progress: string | undefined }) => void
  readonly signal: AbortSignal
}

/** Without Retry-After the polls begin at POLL_MS_MIN and grow rarer. */
const POLL_MS_MAX = 60_000
const POLL_GROWTH = 1.5

/** More than any export of one file a page has; without end a server may invent further pages. */
const PAGES_MAX = 100_000

/** For a manifest that is read again. */
const READ_AGAIN_MS_MAX = 600_000

/**
 * Yields each page of the manifest once, as soon as the server shows it, the last when the export is done: an export
 * without files has one empty page. Places of files run on over the pages (Bulk Data Access 3, `allowPartialManifests`).
 * @throws StokerError BULK_DEADLINE when it is not done by then: some servers (Medplum, Azure) say 202 for ever. It is
 *   cancelled first.
 */
export async function* pages(
  connection: Connection,
  statusUrl: string,
  options: WaitOptions,
): AsyncGenerator<Manifest, void, void> {
  const gatherer = new PageGatherer()
  const way = new Way(statusUrl)
  let yielded = false
  for (let own = POLL_MS_MIN; ; own = Math.min(POLL_MS_MAX, own * POLL_GROWTH)) {
    const answer = await look(connection, way.url, statusUrl, options)
    const fresh = answer.page && gatherer.add(way.url, answer.page)
    const isLast = answer.state === 'done' && answer.page.next?.kind !== 'page'
    if (fresh !== undefined && (!isEmpty(fresh) || (isLast && !yielded))) {
      yielded = true
      own = POLL_MS_MIN
      yield { ...fresh, next: undefined }
    }
    if (isLast) return
    if (answer.state === 'working') options.onProgress(answer)
    if (!way.goOn(answer)) await untilNextPoll(connection, statusUrl, answer, own, options)
  }
}

/** Polls until the whole manifest is there: all pages as one. */
export async function waitForManifest(
  connection: Connection,
  statusUrl: string,
  options: WaitOptions,
): Promise<Manifest> {
  const all: Manifest[] = []
  for await (const page of pages(connection, statusUrl, options)) all.push(page)
  return wholeOf(all)!
}

/**
 * The manifest once more, for URLs that are signed anew: all the pages there are by now, as one; files keep their places.
 * @throws StokerError BULK_NOT_READY when there is none yet
 */
export async function readManifest(connection: Connection, statusUrl: string, signal: AbortSignal): Promise<Manifest> {
  const deadline = new Date(connection.clock.now().getTime() + READ_AGAIN_MS_MAX)
  const gatherer = new PageGatherer()
  const way = new Way(statusUrl)
  const all: Manifest[] = []
  for (;;) {
    const answer = await poll(connection, way.url, signal, deadline)
    if (answer.page !== undefined) all.push(gatherer.add(way.url, answer.page))
    if (!way.goOn(answer)) break
  }
  const whole = wholeOf(all)
  if (whole !== undefined) return whole
  throw new StokerError('BULK_NOT_READY', 'the server is still working on the export', {
    retryable: true,
    hint: 'run again later',
  })
}

/** From page to page, never in a circle. */
class Way {
  url: string
  private readonly passed = new Set<string>()

  constructor(url: string) {
    this.url = url
  }

  /** False where there is no further page yet, or none at all. */
  goOn({ state, page }: StatusAnswer): boolean {
    const next: NextPage | undefined = page?.next
    if (next?.kind !== 'page') return false
    if (next.url === this.url) {
      // "Come back here" of a server that is not done.
      if (state === 'working') return false
      throw invalid('its pages lead back to themselves')
    }
    this.passed.add(this.url)
    if (this.passed.has(next.url)) throw invalid('its pages lead back to themselves')
    if (this.passed.size >= PAGES_MAX) throw invalid(`it has more than ${PAGES_MAX} pages`)
    this.url = next.url
    return true
  }
}

/** An outage that lasts until the deadline is the deadline. */
async function look(connection: Connection, url: string, statusUrl: string, options: WaitOptions) {
  const { deadline, signal } = options
  try {
    return await poll(connection, url, signal, deadline)
  } catch (error) {
    const passes = error instanceof StokerError && error.retryable && error.code !== 'BULK_EXPORT_GONE'
    if (!passes || connection.clock.now() < deadline) throw error
    return cancel(connection, statusUrl, signal, error)
  }
}

async function untilNextPoll(
  connection: Connection,
  statusUrl: string,
  answer: StatusAnswer,
  own: number,
  { deadline, signal }: WaitOptions,
): Promise<void> {
  const { clock, limits, http } = connection
  const left = deadline.getTime() - clock.now().getTime()
  if (left <= 0) await cancel(connection, statusUrl, signal)
  const askedMs = answer.state === 'working' ? answer.retryAfterMs : undefined
  const ms = Math.min(limits.retryAfterMsMax, askedMs ?? Math.round(own * (0.5 + http.random() / 2)))
  await sleepFor(clock, Math.min(left, Math.max(POLL_MS_MIN, ms)), signal)
}

async function cancel(
  connection: Connection,
  statusUrl: string,
  signal: AbortSignal,
  cause?: StokerError,
): Promise<never> {
  await release(connection, statusUrl, signal).catch(() => undefined)
  signal.throwIfAborted()
  const message = 'the server did not finish the export before its deadline; it was cancelled'
  throw new StokerError('BULK_DEADLINE', message, {
    hint: 'ask the operator of the server, or raise deadlineHours of the source',
    ...(cause && { cause }),
  })
}

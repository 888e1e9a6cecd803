/** Waiting for an export: its manifest page by page, as the pages come. */
import { StokerError } from '../../core/errors.ts'
import type { Connection } from '../server/connection.ts'
import { inPlaces, isEmpty, PageGatherer, wholeOf, type ListedBefore } from './manifest-pages.ts'
import { invalid, type Manifest, type NextPage } from './manifest.ts'
import { POLL_MS_MIN } from '../http/retry-pace.ts'
import { sleepFor } from '../http/sleep.ts'
import { poll, type StatusAnswer } from './status.ts'

export interface WaitOptions {
  /** When to stop waiting; an outage of the server before that is borne. */
  readonly deadline: Date
  readonly onProgress: (progress: {
    readonly percentDone: number | undefined
    readonly retryAfterMs: number | undefined
  }) => void
  readonly signal: AbortSignal
  /** Whether allowPartialManifests was asked for: else what comes before the export is done may be a draft. */
  readonly partial?: boolean | undefined
  /** Files that an earlier process was told of: they keep their places, and are told once more. */
  readonly before?: readonly ListedBefore[] | undefined
}

/** Without Retry-After the polls begin at POLL_MS_MIN and grow rarer. */
const POLL_MS_MAX = 60_000
const POLL_GROWTH = 1.5

/** More than any export of one file a page has; without end a server may invent further pages. */
const PAGES_MAX = 100_000

/** For a manifest that is read again. */
const READ_AGAIN_MS_MAX = 600_000

/**
 * Yields each page of the manifest once, as soon as the server shows it where that was asked for, the last when the export
 * is done: an export without files has one empty page. Places of files run on over the pages (Bulk Data Access 3,
 * `allowPartialManifests`).
 * @throws StokerError BULK_DEADLINE when it is not done by then: some servers (Medplum, Azure) say 202 for ever. To have
 *   it deleted is the caller's affair, who also knows which exports have to go with it.
 */
export async function* pages(
  connection: Connection,
  statusUrl: string,
  options: WaitOptions,
): AsyncGenerator<Manifest, void, void> {
  const gatherer = new PageGatherer(options.before)
  const way = new Way(statusUrl)
  let yielded = false
  for (let own = POLL_MS_MIN; ; own = Math.min(POLL_MS_MAX, own * POLL_GROWTH)) {
    const answer = await look(connection, way.url, options)
    const fresh = answer.page && gatherer.add(way.url, answer.page)
    const isLast = answer.state === 'done' && answer.page.next?.kind !== 'page'
    if (fresh !== undefined && (!isEmpty(fresh) || (isLast && !yielded))) {
      yielded = true
      own = POLL_MS_MIN
      yield { ...fresh, next: undefined }
    }
    if (isLast) return
    if (answer.state === 'working') options.onProgress(answer)
    if (!way.goOn(answer)) await untilNextPoll(connection, answer, own, options)
  }
}

/**
 * The manifest once more, for URLs that are signed anew: all the pages there are by now, as one.
 * @param before the files it listed at first: they keep their places; without them, places are by the order of now
 * @throws StokerError BULK_NOT_READY when there is none yet
 */
export async function readManifest(
  connection: Connection,
  statusUrl: string,
  signal: AbortSignal,
  before: readonly ListedBefore[] = [],
): Promise<Manifest> {
  const deadline = new Date(connection.clock.now().getTime() + READ_AGAIN_MS_MAX)
  const gatherer = new PageGatherer(before)
  const way = new Way(statusUrl)
  const all: Manifest[] = []
  for (;;) {
    const answer = await poll(connection, way.url, signal, deadline)
    if (answer.page !== undefined) all.push(gatherer.add(way.url, answer.page))
    if (way.goOn(answer)) continue
    const whole = wholeOf(all)
    if (whole === undefined) break
    return answer.state === 'done' ? inPlaces(whole, before) : whole
  }
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
async function look(
  connection: Connection,
  url: string,
  { deadline, signal, partial }: WaitOptions,
): Promise<StatusAnswer> {
  try {
    const answer = await poll(connection, url, signal, deadline)
    return answer.state === 'working' && !partial ? { ...answer, page: undefined } : answer
  } catch (error) {
    const passes = error instanceof StokerError && error.retryable && error.code !== 'BULK_EXPORT_GONE'
    if (!passes || connection.clock.now() < deadline) throw error
    throw late(error)
  }
}

async function untilNextPoll(
  { clock, limits, http }: Connection,
  answer: StatusAnswer,
  own: number,
  { deadline, signal }: WaitOptions,
): Promise<void> {
  const left = deadline.getTime() - clock.now().getTime()
  if (left <= 0) throw late()
  const askedMs = answer.state === 'working' ? answer.retryAfterMs : undefined
  const ms = Math.min(limits.retryAfterMsMax, askedMs ?? Math.round(own * (0.5 + http.random() / 2)))
  await sleepFor(clock, Math.min(left, Math.max(POLL_MS_MIN, ms)), signal)
}

function late(cause?: StokerError): StokerError {
  return new StokerError('BULK_DEADLINE', 'the server did not finish the export before its deadline', {
    hint: 'ask the operator of the server, or raise deadlineHours of the source',
    ...(cause && { cause }),
  })
}

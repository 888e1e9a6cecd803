/** The status of an export: one look, and waiting until the manifest is there. */
import { StokerError } from '../core/errors.ts'
import { bodyJson } from './body.ts'
import type { Connection } from './connection.ts'
import { headerOf } from './http.ts'
import { parseManifest, type Manifest } from './manifest.ts'
import { retryAfterMs } from './retry-after.ts'
import { release } from './release.ts'
import { POLL_MS_MIN } from './retry-policy.ts'

export type StatusAnswer =
  | { readonly state: 'working'; readonly progress: string | undefined; readonly retryAfterMs: number | undefined }
  | { readonly state: 'done'; readonly manifest: Manifest }

export interface WaitOptions {
  /** When to stop waiting. */
  readonly deadline: Date
  readonly onProgress: (progress: { readonly progress: string | undefined }) => void
  readonly signal: AbortSignal
}

/** Without Retry-After the polls begin at POLL_MS_MIN and grow rarer. */
const POLL_MS_MAX = 60_000
const POLL_GROWTH = 1.5

/**
 * One look at an export.
 * @throws StokerError BULK_EXPORT_GONE, BULK_MANIFEST_INVALID, BULK_REFUSED when the export failed
 */
export async function poll(connection: Connection, statusUrl: string, signal: AbortSignal): Promise<StatusAnswer> {
  const url = new URL(statusUrl)
  const headers = { accept: 'application/json' }
  return connection.send(
    { step: 'status', method: 'GET', url, headers },
    async (answer) => {
      if (answer.status === 202) {
        await answer.body.dump()
        const progress = headerOf(answer, 'x-progress')?.replace(/\s+/g, ' ').slice(0, 100)
        const header = headerOf(answer, 'retry-after')
        return { state: 'working', progress, retryAfterMs: retryAfterMs(header, connection.clock.now()) }
      }
      return { state: 'done', manifest: parseManifest(await bodyJson(answer), answer.url) }
    },
    signal,
  )
}

/**
 * Polls until the manifest is there.
 * @throws StokerError BULK_DEADLINE when it is not by then: some servers (Medplum, Azure) say 202 for ever
 */
export async function waitForManifest(
  connection: Connection,
  statusUrl: string,
  options: WaitOptions,
): Promise<Manifest> {
  const { clock, limits } = connection
  for (let own = POLL_MS_MIN; ; own = Math.min(POLL_MS_MAX, own * POLL_GROWTH)) {
    const answer = await poll(connection, statusUrl, options.signal)
    if (answer.state === 'done') return answer.manifest
    options.onProgress(answer)
    const left = options.deadline.getTime() - clock.now().getTime()
    if (left <= 0) {
      await release(connection, statusUrl, options.signal).catch(() => undefined)
      const message = 'the server did not finish the export before its deadline; it was cancelled'
      throw new StokerError('BULK_DEADLINE', message, {
        hint: 'ask the operator of the server, or raise deadlineHours of the source',
      })
    }
    const asked = Math.min(limits.retryAfterMsMax, answer.retryAfterMs ?? own)
    await clock.sleep(Math.min(left, Math.max(POLL_MS_MIN, asked)), options.signal)
  }
}

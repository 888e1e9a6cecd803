/** The status of an export: one look at it. */
import { StokerError } from '../../core/errors.ts'
import { bodyJson, orOdd } from '../http/body.ts'
import type { Connection } from '../server/connection.ts'
import { expiryOf } from '../http/header-date.ts'
import { exportStatusOf, headerOf, type HttpAnswer } from '../http/http.ts'
import { parseManifest, type Manifest } from './manifest.ts'
import { percentDone } from '../http/percent-done.ts'
import { retryAfterMs } from '../http/retry-after.ts'

export type StatusAnswer =
  | {
      readonly state: 'working'
      /** Percent, from 0 to 100, as far as the server's words tell one; of these nothing else goes any further. */
      readonly percentDone: number | undefined
      readonly retryAfterMs: number | undefined
      /** What is there already, where the server shows it: with allowPartialManifests the first files, else a draft. */
      readonly page: Manifest | undefined
    }
  | { readonly state: 'done'; readonly page: Manifest }

/**
 * One look at an export, or at a further page of its manifest.
 * @param deadline until when an outage is borne
 * @throws StokerError BULK_EXPORT_GONE, BULK_EXPORT_FAILED with the server's words, BULK_MANIFEST_INVALID
 */
export async function poll(
  connection: Connection,
  statusUrl: string,
  signal: AbortSignal,
  deadline: Date,
): Promise<StatusAnswer> {
  const url = new URL(statusUrl)
  const headers = { accept: 'application/json' }
  return connection.send(
    { step: 'status', method: 'GET', url, headers, deadline },
    async (answer): Promise<StatusAnswer> => {
      const now = connection.clock.now()
      const value = await bodyJson(answer)
      if (exportStatusOf(answer) !== 202) return { state: 'done', page: orOdd(() => pageOf(answer, value, now)) }
      return {
        state: 'working',
        percentDone: percentDone(headerOf(answer, 'x-progress')),
        retryAfterMs: retryAfterMs(headerOf(answer, 'retry-after'), now),
        page: partialOf(answer, value, now),
      }
    },
    signal,
  )
}

function pageOf(answer: HttpAnswer, value: unknown, now: Date): Manifest {
  return parseManifest(value, answer.url, expiryOf(headerOf(answer, 'expires'), now))
}

/** The body of a 202 may be anything; one that is no manifest is none. */
function partialOf(answer: HttpAnswer, value: unknown, now: Date): Manifest | undefined {
  try {
    return pageOf(answer, value, now)
  } catch (error) {
    if (error instanceof StokerError) return undefined
    throw error
  }
}

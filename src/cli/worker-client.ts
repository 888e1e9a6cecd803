/** The running worker of a lake, as the command line asks it: found by its `http.json`, with the token that lies there. */
import { setTimeout as delay } from 'node:timers/promises'
import { StokerError } from '../core/errors.ts'
import { readAddress, type HttpAddress } from '../http/address-file.ts'
import { QUESTION_NAMES, type LedgerQuestions } from '../http/ledger-question.ts'
import type { CohortLine } from '../http/cohort-desk.ts'
import type { ErrorBody } from '../http/refused.ts'
import type { Lake } from '../warehouse/lake.ts'
import { instantsRevived } from './revived-json.ts'
import { workerEvents, type WorkerEvent } from './worker-events.ts'

const ALIVE_MS = 2_000
/** A worker may wait for a server before it can answer: to cancel is to delete an export there. */
const ANSWER_MS = 180_000
/** A connection of events that broke is made again so often, so long apart. */
const RECONNECTS = 5
const RECONNECT_MS = 500

export class WorkerClient {
  private readonly address: HttpAddress

  private constructor(address: HttpAddress) {
    this.address = address
  }

  /** Undefined where no worker of this host and user serves the lake over http, or it does not answer. */
  static async find(lake: Lake): Promise<WorkerClient | undefined> {
    const address = await readAddress(lake)
    if (address === undefined) return undefined
    const client = new WorkerClient(address)
    const answer = await client.request('GET', '/api/worker', undefined, ALIVE_MS).catch(() => undefined)
    return answer?.['pid'] === address.pid ? client : undefined
  }

  get pid(): number {
    return this.address.pid
  }

  /** What the live ledger tells. */
  get ledger(): LedgerQuestions {
    const ask = async (question: string, said: object = {}) =>
      instantsRevived((await this.request('POST', '/api/ledger', { question, ...said }))['answer'])
    const questions: Record<string, (said?: object) => Promise<unknown>> = {}
    for (const name of QUESTION_NAMES) questions[name] = (said) => ask(name, said)
    return questions as unknown as LedgerQuestions
  }

  /** @returns whether it is asked for now or was before, and the event before which it was */
  async sync(source: string, full: boolean): Promise<{ readonly isNew: boolean; readonly after: string }> {
    const answer = await this.request('POST', `${pathOf(source)}/sync`, { full })
    return { isNew: answer['answer'] === 'queued', after: String(answer['after_event']) }
  }

  /** @returns the run that was; null where there was nothing to cancel */
  async cancel(source: string): Promise<number | null> {
    return (await this.request('POST', `${pathOf(source)}/cancel`, {}))['run'] as number | null
  }

  /** Over the newest snapshot, now. */
  async runCohort(name: string): Promise<CohortLine> {
    const line = await this.request('POST', `/api/cohorts/${encodeURIComponent(name)}/run`, {})
    return instantsRevived(line) as CohortLine
  }

  /** From now on, until the signal aborts. A connection that breaks is made again, and goes on where it was. */
  async *events(signal: AbortSignal): AsyncGenerator<WorkerEvent> {
    let lastId: string | undefined
    for (let broken = 0; ; broken += 1) {
      try {
        for await (const event of this.connection(lastId, signal)) {
          yield event
          lastId = event.id
          broken = 0
        }
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof StokerError && error.code !== 'WORKER_UNREACHABLE') throw error
      }
      if (broken >= RECONNECTS) throw unreachable(this.pid)
      await delay(RECONNECT_MS, undefined, { signal })
    }
  }

  private async *connection(lastId: string | undefined, signal: AbortSignal): AsyncGenerator<WorkerEvent> {
    const headers = lastId === undefined ? {} : { 'Last-Event-ID': lastId }
    const answer = await this.send('GET', '/api/events', { headers, signal })
    if (!answer.ok) throw await errorIn(answer)
    if (answer.body !== null) yield* workerEvents(answer.body)
  }

  private async request(
    method: string,
    path: string,
    body: object | undefined,
    timeoutMs = ANSWER_MS,
  ): Promise<Record<string, unknown>> {
    const answer = await this.send(method, path, {
      signal: AbortSignal.timeout(timeoutMs),
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    })
    if (!answer.ok) throw await errorIn(answer)
    return (await answer.json()) as Record<string, unknown>
  }

  /** @throws StokerError WORKER_UNREACHABLE; what an abort throws */
  private async send(method: string, path: string, options: RequestInit): Promise<Response> {
    const headers = { ...options.headers, Authorization: `Bearer ${this.address.token}` }
    try {
      return await fetch(new URL(path, this.address.url), { method, ...options, headers, redirect: 'error' })
    } catch (error) {
      if (options.signal?.aborted && (options.signal.reason as Error).name !== 'TimeoutError') throw error
      throw unreachable(this.pid)
    }
  }
}

function pathOf(source: string): string {
  return `/api/sources/${encodeURIComponent(source)}`
}

/** As the worker tells it. */
async function errorIn(answer: Response): Promise<StokerError> {
  const told = (await answer.json().catch(() => ({}))) as { error?: Partial<ErrorBody> }
  const { code = 'WORKER_REFUSED', message, hint, retryable } = told.error ?? {}
  return new StokerError(code, message ?? `the worker answers ${answer.status}`, {
    retryable: retryable === true,
    ...(hint != null && { hint }),
  })
}

function unreachable(pid: number): StokerError {
  return new StokerError('WORKER_UNREACHABLE', `the worker of this lake, PID ${pid}, does not answer any more`, {
    retryable: true,
    hint: 'it has ended, or is being ended: its log says why; what it was doing goes on at its next start',
  })
}

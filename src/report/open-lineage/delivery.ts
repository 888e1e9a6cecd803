/** The way of events from the spool to an HTTP endpoint, one after the other, beside whatever else runs. */
import { Agent, request } from 'undici'
import type { Clock } from '../../core/clock.ts'
import type { Log } from '../../core/log.ts'
import type { Task } from '../../core/task.ts'
import type { Spool } from './spool.ts'

export interface Endpoint {
  readonly url: URL
  readonly token: { reveal(): string } | undefined
  readonly userAgent: string
}

export interface DeliveryOptions extends Endpoint {
  readonly spool: Spool
  readonly clock: Clock
  readonly log: Log
  /** From 0 to 1, for jitter. */
  readonly random: () => number
}

/** delivered. refused: it never will be, whatever is waited for. later: the endpoint is down, busy, or does not know us. */
type Answer =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'refused' | 'later'; readonly status?: number; readonly cause?: string }

const TIMEOUT_MS = 10_000
const FIRST_WAIT_MS = 1_000
const WAIT_MS_MAX = 300_000

/** A stop waits so long for an endpoint that answers; what is left is delivered by the next process. */
const FAREWELL_MS = 3_000

export class Delivery implements Task {
  readonly id = 'open-lineage'
  private readonly options: DeliveryOptions
  private readonly agent = new Agent({
    connect: { timeout: TIMEOUT_MS },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
  })
  /** Ends waits between tries; then a try under way. */
  private readonly stopping = new AbortController()
  private readonly ending = new AbortController()
  private wakeUp: () => void = () => undefined
  private running: Promise<void> | undefined
  /** In a row. */
  private failures = 0

  constructor(options: DeliveryOptions) {
    this.options = options
  }

  run(): Promise<void> {
    this.running ??= this.work()
    return this.running
  }

  /** There is something new in the spool. */
  wake(): void {
    this.wakeUp()
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    this.wakeUp()
    const last = setTimeout(() => this.ending.abort(), FAREWELL_MS)
    await this.running?.catch(() => undefined)
    clearTimeout(last)
    await this.agent.destroy()
  }

  private async work(): Promise<void> {
    const { spool, log } = this.options
    for (;;) {
      // Before the look: what is put while it looks wakes as well.
      const woken = new Promise<void>((resolve) => (this.wakeUp = resolve))
      const next = await spool.first()
      if (next === undefined) {
        if (this.stopping.signal.aborted) return
        await woken
        continue
      }
      const { kind, ...why } = await this.post(next.text)
      if (this.ending.signal.aborted) return this.leave()
      if (kind === 'later') {
        this.failures += 1
        if (this.failures === 1)
          log.warn(why, 'OpenLineage events can not be delivered now: they are kept and tried again')
        if (!(await this.wait())) return this.leave()
        continue
      }
      if (kind === 'refused') await spool.drop(next.file, { reason: 'the endpoint refuses it', ...why })
      else await this.arrived(next.file)
      this.failures = 0
    }
  }

  private async arrived(file: string): Promise<void> {
    await this.options.spool.remove(file)
    if (this.failures > 0) this.options.log.info({ tries: this.failures + 1 }, 'OpenLineage events are delivered again')
  }

  private async leave(): Promise<void> {
    const events = await this.options.spool.count()
    this.options.log.info({ events }, 'OpenLineage events wait for their endpoint: the next start delivers them')
  }

  /** False when it is stopped meanwhile. */
  private async wait(): Promise<boolean> {
    const { clock, random } = this.options
    const ms = Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** (this.failures - 1)) * (0.5 + random() / 2)
    return clock.sleep(ms, this.stopping.signal).then(
      () => true,
      () => false,
    )
  }

  private async post(body: string): Promise<Answer> {
    const { url, token, userAgent } = this.options
    try {
      const answer = await request(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'user-agent': userAgent,
          ...(token && { authorization: `Bearer ${token.reveal()}` }),
        },
        body,
        dispatcher: this.agent,
        signal: this.ending.signal,
      })
      const { statusCode: status } = answer
      await answer.body.dump().catch(() => undefined)
      if (status >= 200 && status < 300) return { kind: 'delivered' }
      return { kind: REFUSED.has(status) ? 'refused' : 'later', status }
    } catch (error) {
      const { code, name } = error as { readonly code?: unknown; readonly name?: unknown }
      return { kind: 'later', cause: String(code ?? name) }
    }
  }
}

/** What is wrong with the event itself; an address, a token or a proxy that is wrong is put right some day. */
const REFUSED: ReadonlySet<number> = new Set([400, 409, 413, 415, 422])

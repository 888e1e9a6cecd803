/** The exports the server knows of: started, done or not, until deleted or expired. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../core/clock.ts'
import type { ExportOrder } from '../kick-off/export-order.ts'
import { Refusal } from '../refusal.ts'
import type { ExportJob, JobFile } from './export-job.ts'

/** A server that lets a client wait for weeks may not forget the job meanwhile. */
const WORKING_LIFE_MS = 90 * 24 * 3_600_000
const DONE_LIFE_MS = 24 * 3_600_000

export interface JobStart {
  readonly order: ExportOrder
  readonly instant: Date
  readonly files: readonly JobFile[]
  readonly unread: readonly ReadonlySet<string>[]
}

export class ExportJobs {
  readonly #clock: Clock
  readonly #jobs = new Map<string, ExportJob>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  start({ order, instant, files, unread }: JobStart): ExportJob {
    const job: ExportJob = {
      id: randomUUID(),
      order,
      transactionTime: instant.toISOString(),
      expiresAt: new Date(this.#clock.now().getTime() + WORKING_LIFE_MS),
      files,
      unread,
      pollsAnswered: 0,
      transientAnswers: 0,
      signedMs: undefined,
      isDone: false,
    }
    this.#jobs.set(job.id, job)
    return job
  }

  /** Number of jobs, those done included. */
  get size(): number {
    this.#forgetExpired()
    return this.#jobs.size
  }

  /** The newest job of an order that asked the same. */
  alike(likeness: string): ExportJob | undefined {
    this.#forgetExpired()
    return [...this.#jobs.values()].findLast(({ order }) => order.likeness === likeness)
  }

  /** Throws a Refusal (404) for a job that never was, was deleted or has expired. */
  get(id: string): ExportJob {
    this.#forgetExpired()
    const job = this.#jobs.get(id)
    if (job === undefined) throw new Refusal(404, 'not-found', 'There is no such export, or no more.')
    return job
  }

  /** Begins the time in which the files may be fetched. True the first time. */
  finish(job: ExportJob): boolean {
    if (job.isDone) return false
    job.isDone = true
    job.expiresAt = new Date(this.#clock.now().getTime() + DONE_LIFE_MS)
    return true
  }

  /** Throws a Refusal (404) as `get` does. */
  cancel(id: string): void {
    this.#jobs.delete(this.get(id).id)
  }

  #forgetExpired(): void {
    const nowMs = this.#clock.now().getTime()
    for (const [id, { expiresAt }] of this.#jobs) if (expiresAt.getTime() <= nowMs) this.#jobs.delete(id)
  }
}

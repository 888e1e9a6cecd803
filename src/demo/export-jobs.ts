/** The exports the server knows of: started, done or not, until deleted or expired. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { ExportJob, JobFile } from './export-job.ts'
import { Refusal } from './refusal.ts'

const LIFE_MS = 24 * 3_600_000

export class ExportJobs {
  readonly #clock: Clock
  readonly #jobs = new Map<string, ExportJob>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  start(request: string, transactionTime: Date, files: readonly JobFile[]): ExportJob {
    this.#forgetExpired()
    const job: ExportJob = {
      id: randomUUID(),
      request,
      transactionTime: transactionTime.toISOString(),
      expiresAt: new Date(this.#clock.now().getTime() + LIFE_MS),
      files,
      pollsAnswered: 0,
    }
    this.#jobs.set(job.id, job)
    return job
  }

  /** Throws a Refusal (404) for a job that never was, was deleted or has expired. */
  get(id: string): ExportJob {
    this.#forgetExpired()
    const job = this.#jobs.get(id)
    if (job === undefined) throw new Refusal(404, 'not-found', 'There is no such export, or no more.')
    return job
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

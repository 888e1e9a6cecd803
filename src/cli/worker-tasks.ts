/** What a worker has beside its schedule: the page with API, metrics and queries, and cohorts after each snapshot. */
import { Readable } from 'node:stream'
import { COHORT_SECONDS_DEFAULT, type CohortDeps } from '../analysis/cohort/run.ts'
import type { Config } from '../app/config.ts'
import { besideBytes } from '../app/config-lake.ts'
import { openQueryDesk } from '../app/query-desk.ts'
import { STOKER_VERSION } from '../app/version.ts'
import type { OpenWorker } from '../app/worker-context.ts'
import type { Log } from '../core/log.ts'
import type { Task } from '../core/task.ts'
import { configuredCohorts } from '../http/configured-cohorts.ts'
import type { HttpDeps } from '../http/deps.ts'
import { httpTask } from '../http/http-task.ts'
import { pagesOf } from '../http/page/routes.ts'
import type { Ask } from '../ledger/run-details.ts'
import type { AfterSnapshot } from '../service/after-snapshot.ts'
import { cohortWork } from '../service/cohort-work.ts'
import type { Control } from '../service/control.ts'

/** Undefined where the configuration wants none. */
export function httpServer(control: Control, { context }: OpenWorker, config: Config, log: Log): Task | undefined {
  if (config.http === undefined) return undefined
  const desk = openQueryDesk(context.lake, { ...config.query, threads: config.threads })
  const { lake, views, clock, database } = context
  const ask: Ask = (sql) => database.using((session) => session.rows(sql))
  const hasCohorts = config.cohorts.length > 0
  const deps: HttpDeps = {
    ...{ control, lake, ask, views, clock, log },
    config: { file: config.file, version: STOKER_VERSION },
    query: async (asked, signal) => {
      const answer = await desk.answer(asked, signal)
      const body = Readable.toWeb(answer.read()) as ReadableStream<Uint8Array>
      return { contentType: answer.contentType, snapshot: answer.stats.snapshot, body }
    },
    cohorts: hasCohorts ? configuredCohorts(cohortDeps(context, config), ask) : undefined,
  }
  const task = httpTask(deps, config.http, pagesOf(deps))
  return {
    id: task.id,
    run: () => task.run(),
    stop: () => {
      desk.close()
      return task.stop()
    },
  }
}

export function cohortsAfter({ context }: OpenWorker, config: Config, log: Log): AfterSnapshot | undefined {
  return config.cohorts.length === 0 ? undefined : cohortWork(cohortDeps(context, config), log)
}

function cohortDeps({ database, lake, clock }: OpenWorker['context'], config: Config): CohortDeps {
  const memoryBytes = besideBytes(config.memoryLimitBytes)
  return { database, lake, clock, folders: config.cohorts, limits: { seconds: COHORT_SECONDS_DEFAULT, memoryBytes } }
}

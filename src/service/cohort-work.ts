/** Cohorts after each snapshot. */
import { mistakeText } from '../analysis/cohort/definition.ts'
import { runCohorts, type CohortDeps } from '../analysis/cohort/run.ts'
import type { Log } from '../core/log.ts'
import type { AfterSnapshot } from './after-snapshot.ts'
import { errorFacts } from './error-facts.ts'

/** What is wrong with one, be it its file, is logged each time, and stops that one alone. */
export function cohortWork(deps: Omit<CohortDeps, 'signal' | 'observe'>, log: Log): AfterSnapshot {
  return {
    id: 'cohorts',
    async work(snapshot, signal) {
      const { outcomes, mistakes } = await runCohorts({ ...deps, signal }, snapshot)
      for (const mistake of mistakes) log.warn({ mistake: mistakeText(mistake) }, 'a file that is no cohort')
      for (const outcome of outcomes) {
        const { cohort } = outcome
        if (outcome.kind === 'failed') log.error({ cohort, snapshot, ...errorFacts(outcome.error) }, 'cohort failed')
        else if (outcome.kind === 'done') {
          const { members, entered, left, milliseconds } = outcome
          log.info({ cohort, snapshot, members, entered, left, milliseconds }, 'cohort run')
        }
      }
    },
  }
}

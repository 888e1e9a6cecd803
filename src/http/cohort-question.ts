/** Questions about cohorts that the command line asks a worker: see ledger-question.ts. Who is a member is content. */
import {
  cohortAsOf,
  cohortDiff,
  cohortMembers,
  cohortMoved,
  cohortRuns,
  newestCohortRuns,
  type AskCohorts,
  type AsOf,
  type CohortDiff,
  type CohortMember,
  type CohortRunLine,
  type MovedMember,
} from '../analysis/cohort/records.ts'

interface Page {
  readonly limit: number
  /** The last key of the page before. */
  readonly after?: string | undefined
}

export interface CohortQuestions {
  readonly cohorts: () => Promise<CohortRunLine[]>
  readonly cohortRuns: (asked: { readonly cohort: string; readonly limit: number }) => Promise<CohortRunLine[]>
  readonly cohortAsOf: (asked: { readonly cohort: string; readonly snapshot?: number | undefined }) => Promise<AsOf>
  /** `ran`: of {@link AsOf}. */
  readonly cohortMembers: (asked: Page & { readonly cohort: string; readonly ran: number }) => Promise<CohortMember[]>
  readonly cohortDiff: (asked: {
    readonly cohort: string
    readonly from: number
    readonly to: number
  }) => Promise<CohortDiff>
  /** `from`, `to`: the `ran` of a difference's ends. */
  readonly cohortMoved: (
    asked: Page & { readonly cohort: string; readonly from: number; readonly to: number },
  ) => Promise<MovedMember[]>
}

export const COHORT_QUESTION_NAMES: readonly (keyof CohortQuestions)[] = [
  'cohorts',
  'cohortRuns',
  'cohortAsOf',
  'cohortMembers',
  'cohortDiff',
  'cohortMoved',
]

export function cohortQuestions(ask: AskCohorts): CohortQuestions {
  const at = (ran: number): AsOf => ({ snapshot: ran, ran })
  return {
    cohorts: () => newestCohortRuns(ask),
    cohortRuns: ({ cohort, limit }) => cohortRuns(ask, cohort, limit),
    cohortAsOf: ({ cohort, snapshot }) => cohortAsOf(ask, cohort, snapshot),
    cohortMembers: ({ cohort, ran, ...page }) => cohortMembers(ask, cohort, at(ran), page),
    cohortDiff: ({ cohort, from, to }) => cohortDiff(ask, cohort, from, to),
    cohortMoved: ({ cohort, from, to, ...page }) => cohortMoved(ask, cohort, { from: at(from), to: at(to) }, page),
  }
}

/** What the reading commands of cohorts look at: definitions where a configuration names some, and what is kept. */
import { readCohorts, type CohortLibrary } from '../analysis/cohort/library.ts'
import { cohortFolders } from '../app/cohort-context.ts'
import { cohortQuestions, type CohortQuestions } from '../http/cohort-question.ts'
import { lookInto, notInSnapshot, type Look } from './lake-look.ts'
import { lakeOf, type LakeOptions } from './lake-option.ts'
import { WorkerClient } from './worker-client.ts'

export interface CohortLook extends Omit<Look, 'ask'> {
  readonly library: CohortLibrary
  readonly cohorts: CohortQuestions
}

const NO_LIBRARY: CohortLibrary = { definitions: [], mistakes: [] }

/** With `--lake` no definition is read. */
export async function lookAtCohorts<T>(options: LakeOptions, work: (look: CohortLook) => Promise<T>): Promise<T> {
  const { lake, memoryLimitBytes } = await lakeOf(options)
  const library = options.lake === undefined ? await readCohorts(await cohortFolders(options.config)) : NO_LIBRARY
  const worker = await WorkerClient.find(lake)
  if (worker !== undefined) return work({ live: true, shut: undefined, cohorts: worker.ledger, library })
  return lookInto(lake, memoryLimitBytes, ({ live, shut, ask }) =>
    work({ live, shut, cohorts: cohortQuestions(ask), library }),
  )
}

/** @throws StokerError where the database can not be read now: no snapshot has members */
export function mustBeLive({ shut }: Pick<Look, 'shut'>, cohort: string): void {
  if (shut === undefined) return
  throw notInSnapshot(shut, `the members of ${cohort} can not be told now`, 'who is in which cohort')
}

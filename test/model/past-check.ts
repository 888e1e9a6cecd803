/** The raw log against the past: the tables as of every run, made again, are those that stood after it. */
import { definitionsOf } from '../../src/warehouse/tables/definitions.ts'
import { Lake } from '../../src/warehouse/lake.ts'
import { makePastTable, pastCommit } from '../../src/warehouse/past/past.ts'
import type { ModelLake } from './model-lake.ts'
import { differences, rowsOf, type Past } from './past.ts'

export async function pastsDiffer(lake: ModelLake, pasts: readonly Past[]): Promise<string[]> {
  return lake.using(async (session) => {
    const problems: string[] = []
    for (const { run, tables } of pasts) {
      const commit = await pastCommit(session, String(run))
      for (const view of await definitionsOf(session, run)) {
        await makePastTable(session, new Lake(lake.lake), view, commit)
        const made = await rowsOf(session, 'FROM temp._past')
        problems.push(...differences(`${view.name} as of run ${run}`, made, tables.get(view.name) ?? []))
      }
    }
    return problems
  })
}

/** The cohort desk of a worker: definitions as they lie in their folders now, runs and members as the database has them. */
import type { CohortDefinition } from '../analysis/cohort/definition.ts'
import { cohortNamed, readCohorts, type CohortLibrary } from '../analysis/cohort/library.ts'
import {
  cohortAsOf,
  cohortDiff,
  cohortMembers,
  cohortMoved,
  cohortRuns,
  newestCohortRuns,
  type CohortRunLine as Kept,
} from '../analysis/cohort/records.ts'
import { runCohorts, type CohortDeps } from '../analysis/cohort/run.ts'
import { StokerError } from '../core/errors.ts'
import type { Ask } from '../ledger/run-details.ts'
import type { CohortDesk, CohortLine, CohortMeaning, CohortRunLine } from './cohort-desk.ts'

const RUNS_SHOWN = 200

/** @param ask on the live database */
export function configuredCohorts(deps: CohortDeps, ask: Ask): CohortDesk {
  const linesOf = async ({ definitions, mistakes }: CohortLibrary): Promise<readonly CohortLine[]> => {
    const kept = await newestCohortRuns(ask)
    const files = new Map(definitions.map(({ name, title, description }) => [name, title || description]))
    const names = [...new Set([...files.keys(), ...mistakes.map(({ name }) => name), ...kept.map((run) => run.cohort)])]
    return names.sort().map((name) => {
      const wrong = mistakes.find((mistake) => mistake.name === name)
      const line = lineOf(name, files.get(name) ?? null, kept)
      return wrong === undefined
        ? line
        : {
            ...line,
            error_code: 'COHORT_INVALID',
            error_message: `${wrong.file}${wrong.line === undefined ? '' : `:${wrong.line}`}: ${wrong.message}`,
          }
    })
  }
  const newest = async (name: string, asked: number | undefined) => asked ?? (await cohortAsOf(ask, name)).snapshot
  return {
    list: async () => linesOf(await readCohorts(deps.folders)),
    async show(name) {
      const library = await readCohorts(deps.folders)
      const line = (await linesOf(library)).find(({ cohort }) => cohort === name)
      if (line === undefined) return undefined
      const definition = library.definitions.find((each) => each.name === name)
      const runs = await cohortRuns(ask, name, RUNS_SHOWN)
      const values = runs.find(({ error_code }) => error_code === null)?.parameters
      return {
        ...line,
        ...(definition !== undefined && { meaning: meaningOf(definition) }),
        error_hint: library.mistakes.find((mistake) => mistake.name === name)?.wayOut,
        sql: definition?.sql ?? '',
        parameters: JSON.parse(values ?? '{}') as Record<string, unknown>,
        runs: runs.map(runLine),
      }
    },
    async members(name, { snapshot, after, limit }) {
      return cohortMembers(ask, name, await cohortAsOf(ask, name, snapshot), { after, limit })
    },
    async diff(name, { from, to, limit }) {
      const last = await newest(name, to)
      const first = from ?? (await before(ask, name, last))
      const { from: start, to: end } = await cohortDiff(ask, name, first, last)
      const moved = await cohortMoved(ask, name, { from: start, to: end }, { limit })
      const keys = (change: 'entered' | 'left') =>
        moved.filter((member) => member.change === change).map(({ patient_key }) => patient_key)
      return { from: first, to: last, entered: keys('entered'), left: keys('left') }
    },
    async run(name) {
      const library = await readCohorts(deps.folders)
      const [snapshot] = await ask<{ snapshot: number | null }>('SELECT max(snapshot) AS snapshot FROM stoker.snapshot')
      if (snapshot?.snapshot == null) {
        throw new StokerError('COHORT_NO_SNAPSHOT', 'nothing is published yet', { hint: 'run a source first' })
      }
      const definitions = [cohortNamed(library, name)]
      const { outcomes } = await runCohorts(deps, snapshot.snapshot, { library, definitions })
      const failed = outcomes.find((outcome) => outcome.kind === 'failed')
      if (failed !== undefined) throw failed.error
      return (await linesOf(library)).find(({ cohort }) => cohort === name)!
    },
  }
}

function meaningOf({ description, simplified, codes }: CohortDefinition): CohortMeaning {
  return { description, simplified: simplified ?? null, codes }
}

/** The run before the newest one up to `snapshot`; that one itself where it was the first. */
async function before(ask: Ask, name: string, snapshot: number): Promise<number> {
  const runs = await cohortRuns(ask, name, RUNS_SHOWN)
  const earlier = runs.filter((run) => run.error_code === null && run.snapshot <= snapshot)
  return (earlier[1] ?? earlier[0])?.snapshot ?? snapshot
}

/** A failure is told of its own run; sizes are those of the last run that did not fail. */
function lineOf(cohort: string, description: string | null, kept: readonly Kept[]): CohortLine {
  const runs = kept.filter((run) => run.cohort === cohort)
  const good = runs.find((run) => run.error_code === null)
  const bad = runs.find((run) => run.error_code !== null)
  return {
    cohort,
    description,
    snapshot: (bad ?? good)?.snapshot ?? null,
    ran_at: (bad ?? good)?.ran_at ?? null,
    members: good?.members ?? null,
    entered: good?.entered ?? null,
    left: good?.left ?? null,
    error_code: bad?.error_code ?? null,
    error_message: bad?.error ?? null,
  }
}

function runLine({ snapshot, ran_at, members, entered, left, error_code, error }: Kept): CohortRunLine {
  return { snapshot, ran_at, members, entered, left, error_code, error_message: error }
}

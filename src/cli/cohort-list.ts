/** `stoker cohort list`: every cohort, its size and what moved last. */
import { Command } from 'commander'
import type { CohortRunLine } from '../analysis/cohort/records.ts'
import type { CohortDefinition } from '../analysis/cohort/definition.ts'
import type { Action } from './action.ts'
import { lookAtCohorts } from './cohort-look.ts'
import { mistakesText } from './cohort-text.ts'
import { countText } from '../core/figures.ts'
import { jsonText } from './json-text.ts'
import { snapshotNotice } from './lake-look.ts'
import { withLakeOptions, type LakeOptions } from './lake-option.ts'
import { timeText } from './run-text.ts'
import { textTable } from './text-table.ts'

interface ListOptions extends LakeOptions {
  readonly json?: true
}

export function cohortListCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('list')
    .description('cohorts, how many are in, and who entered and left with the last snapshot, as counts')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  stoker cohort list
  stoker cohort list --lake /data/lake --json     what was run; no definition is read`,
    )
    .action((_options, self: Command) => perform(() => list(self.opts<ListOptions>())))
  return withLakeOptions(command)
}

interface Listed {
  readonly name: string
  readonly title: string | null
  readonly file: string | null
  /** Of the file as it is now. */
  readonly definition: string | null
  readonly last: CohortRunLine | null
  /** Since that one. */
  readonly failure: CohortRunLine | null
}

async function list({ json, ...options }: ListOptions): Promise<number> {
  const { cohorts, mistakes, live, notice } = await lookAtCohorts(
    options,
    async ({ cohorts: kept, library, ...look }) => ({
      cohorts: joined(library.definitions, await kept.cohorts()),
      mistakes: library.mistakes,
      live: look.live,
      notice: snapshotNotice(look),
    }),
  )
  if (json) process.stdout.write(jsonText({ live, cohorts, mistakes }))
  else process.stdout.write(notice + listText(cohorts) + mistakesText(mistakes))
  return 0
}

function joined(definitions: readonly CohortDefinition[], runs: readonly CohortRunLine[]): Listed[] {
  const names = [...new Set([...definitions.map(({ name }) => name), ...runs.map(({ cohort }) => cohort)])].sort()
  return names.map((name) => {
    const definition = definitions.find((each) => each.name === name)
    const own = runs.filter(({ cohort }) => cohort === name)
    return {
      name,
      title: definition?.title ?? null,
      file: definition?.file ?? null,
      definition: definition?.hash ?? null,
      last: own.find(({ error_code }) => error_code === null) ?? null,
      failure: own.find(({ error_code }) => error_code !== null) ?? null,
    }
  })
}

function listText(cohorts: readonly Listed[]): string {
  if (cohorts.length === 0)
    return 'no cohort yet: stoker cohort examples my-cohorts, and cohorts: [my-cohorts] in the configuration\n'
  const right = (head: string) => ({ head, align: 'right' as const })
  const count = (value: number | null | undefined) => (value == null ? '' : countText(value))
  const table = textTable(
    [
      { head: 'cohort' },
      right('members'),
      right('entered'),
      right('left'),
      right('snapshot'),
      { head: 'ran' },
      { head: '' },
    ],
    cohorts.map((each) => [
      each.name,
      count(each.last?.members),
      count(each.last?.entered),
      count(each.last?.left),
      each.last?.snapshot ?? '',
      timeText(each.last?.ran_at),
      remarkText(each),
    ]),
  )
  const failures = cohorts.map(({ name, failure }) =>
    failure === null
      ? ''
      : `${name}: over snapshot ${failure.snapshot}: ${failure.error_code}${failure.error === null ? '' : `: ${failure.error}`}\n`,
  )
  return `${table}${failures.join('')}`
}

function remarkText({ definition, last, failure }: Listed): string {
  if (failure !== null) return 'failed since'
  if (last === null) return 'not run yet'
  if (definition !== null && definition !== last.definition) return 'its file has changed since'
  return last.definition_changed ? 'its definition changed' : ''
}

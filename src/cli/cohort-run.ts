/** `stoker cohort run`: the members of cohorts over a snapshot, kept; or counted only. */
import { Command } from 'commander'
import type { CohortDefinition, ParameterValue } from '../analysis/cohort/definition.ts'
import { parameterValues } from '../analysis/cohort/definition.ts'
import { withCohortReader } from '../analysis/cohort/cohort-reader.ts'
import { cohortNamed, readCohorts, type CohortLibrary } from '../analysis/cohort/library.ts'
import { countMembers, type FoundMembers } from '../analysis/cohort/members.ts'
import { readValue, SHAPES } from '../analysis/cohort/parameter-text.ts'
import { COHORT_SECONDS_DEFAULT, runCohorts, type CohortEvent, type CohortsRun } from '../analysis/cohort/run.ts'
import { cohortFolders, openCohorts } from '../app/cohort-context.ts'
import { underLifecycle } from '../app/lifecycle.ts'
import { StokerError } from '../core/errors.ts'
import { nearestName } from '../core/nearest-name.ts'
import { lastSnapshot } from '../warehouse/snapshot/records.ts'
import type { Action } from './action.ts'
import { wholeNumber } from './arguments.ts'
import { countedText, isFailed, mistakesText, outcomeJson, outcomesText } from './cohort-text.ts'
import { EXIT } from './exit-code.ts'
import { jsonText } from './json-text.ts'
import { isMissing, lakeOf } from './lake-option.ts'
import { WorkerClient } from './worker-client.ts'
import { runCohortsByWorker } from './worker-cohorts.ts'

interface RunOptions {
  readonly config: string
  readonly snapshot?: number
  readonly dryRun?: true
  readonly set: readonly string[]
  readonly anew?: true
  readonly seconds: number
  readonly json?: true
}

const SECONDS_MAX = 86_400

export function cohortRunCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('run')
    .description('find the members of cohorts in a snapshot, and keep who entered and left')
    .argument('[name...]', 'names of cohorts; all of the configuration when none is given')
    .option('-c, --config <file>', 'the configuration', 'stoker.yaml')
    .option('--snapshot <number>', 'over this snapshot, not the newest', wholeNumber(1, 2 ** 31 - 1))
    .option('--dry-run', 'count the members, and keep nothing; needs no lock')
    .option('--set <name=value>', 'with --dry-run: another value of a parameter', collect, [])
    .option('--anew', 'forget first what is kept of them: members, and who entered and left')
    .option('--seconds <count>', 'for each cohort, at most', wholeNumber(1, SECONDS_MAX), COHORT_SECONDS_DEFAULT)
    .option('--json', 'the result as JSON on standard output')
    .addHelpText(
      'after',
      `
Examples:
  stoker cohort run
  stoker cohort run diabetes-high-hba1c --dry-run --set hba1c_above=8
  stoker cohort run statin-gap --snapshot 3 --anew

Run over the same snapshot again it changes nothing, unless the definition has changed. Snapshots are run forwards: over
one that is older than the last, --dry-run counts, and --anew begins there. What is kept is always by the values of the
file: change them there.`,
    )
    .action((names: string[], options: RunOptions) => perform(() => run(names, options)))
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

async function run(names: readonly string[], options: RunOptions): Promise<number> {
  if (options.set.length > 0 && !options.dryRun)
    throw new StokerError('USAGE_SET', '--set is for --dry-run', {
      hint: 'what is kept is by the values of the file: change the parameter there',
    })
  const folders = await cohortFolders(options.config)
  if (folders.length === 0)
    throw new StokerError('COHORT_NONE', `${options.config} has no cohorts`, {
      hint: 'run stoker cohort examples my-cohorts, and add cohorts: [my-cohorts] to it',
    })
  const library = await readCohorts(folders)
  const definitions = names.length === 0 ? library.definitions : names.map((name) => cohortNamed(library, name))
  // A mistake in the file of another one is told, and stops nothing.
  process.stderr.write(mistakesText(library.mistakes))
  return options.dryRun ? count(definitions, library, options) : keep(definitions, library, folders, options)
}

async function keep(
  definitions: readonly CohortDefinition[],
  library: CohortLibrary,
  folders: readonly string[],
  options: RunOptions,
): Promise<number> {
  const { config, seconds, anew = false } = options
  const { lake, memoryLimitBytes } = await lakeOf({ config })
  if (await isMissing(lake.database)) {
    const hint = 'run it where stoker sync writes; --dry-run counts without it'
    throw new StokerError('LAKE_NO_DATABASE', `there is no database in ${lake.root}`, { hint })
  }
  const worker = await WorkerClient.find(lake)
  if (worker !== undefined) {
    const names = definitions.map(({ name }) => name)
    return runCohortsByWorker(worker, { names, snapshot: options.snapshot, anew, json: options.json })
  }
  const stopping = (signal: string) => process.stderr.write(`\n${signal}: stopping; the cohorts done so far are kept\n`)
  return underLifecycle(stopping, async (signal) => {
    const opened = await openCohorts({
      ...{ lake, memoryLimitBytes, folders, config, seconds, signal },
      observe: progress,
    })
    try {
      const snapshot = options.snapshot ?? (await opened.deps.database.using(lastSnapshot)) ?? 0
      const ran = await runCohorts(opened.deps, snapshot, { library, definitions, anew })
      process.stdout.write(options.json ? jsonText(runJson(ran)) : outcomesText(ran))
      return ran.outcomes.some(isFailed) || library.mistakes.length > 0 ? EXIT.failed : EXIT.done
    } finally {
      opened.close()
    }
  })
}

function progress(event: CohortEvent): void {
  if (event.kind === 'begun') process.stderr.write(`${event.cohort} (${event.number} of ${event.of}) …\n`)
}

function runJson({ snapshot, outcomes, mistakes }: CohortsRun): object {
  return { snapshot, cohorts: outcomes.map(outcomeJson), mistakes }
}

export interface Counted extends FoundMembers {
  readonly cohort: string
  readonly parameters: Readonly<Record<string, ParameterValue>>
}

async function count(
  definitions: readonly CohortDefinition[],
  library: CohortLibrary,
  { config, snapshot, seconds, set, json }: RunOptions,
): Promise<number> {
  const { lake, memoryLimitBytes: memoryBytes } = await lakeOf({ config })
  const limits = { seconds, memoryBytes }
  const values = new Map(definitions.map((each) => [each.name, valuesWith(each, set, definitions.length)]))
  return underLifecycle(
    (signal) => process.stderr.write(`\n${signal}: stopping\n`),
    async (signal) => {
      const counted: Counted[] = []
      let ran = snapshot
      for (const definition of definitions) {
        const parameters = values.get(definition.name)!
        const asked = {
          cohort: definition.name,
          snapshot: ran,
          tooLong: 'give it more with --seconds, or look at its joins',
        }
        await withCohortReader({ lake, limits, signal }, asked, async (reader) => {
          counted.push({ cohort: definition.name, parameters, ...(await countMembers(reader, definition, parameters)) })
          ran = reader.snapshot
        })
      }
      process.stdout.write(json ? jsonText({ snapshot: ran ?? null, cohorts: counted }) : countedText(ran, counted))
      return library.mistakes.length > 0 ? EXIT.failed : EXIT.done
    },
  )
}

function valuesWith(
  definition: CohortDefinition,
  set: readonly string[],
  cohorts: number,
): Readonly<Record<string, ParameterValue>> {
  const values: Record<string, ParameterValue> = { ...parameterValues(definition) }
  for (const text of set) {
    const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
    const parameter = definition.parameters.find((each) => each.name === name)
    const wrong = (message: string, hint: string) => new StokerError('COHORT_PARAMETER', message, { hint })
    if (name === undefined) throw wrong(`--set ${text} is no name=value`, 'write --set hba1c_above=8')
    // Of several cohorts each takes those that it has.
    if (parameter === undefined && cohorts > 1) continue
    if (parameter === undefined) {
      const names = definition.parameters.map((each) => each.name)
      const near = nearestName(name, names)
      const hint = near === undefined ? `it has: ${names.join(', ') || 'none'}` : `did you mean ${near}?`
      throw wrong(`${definition.name} has no parameter ${name}`, hint)
    }
    const read = readValue(parameter.type, value!)
    if (read === undefined) throw wrong(`${name}: ${value} is no ${parameter.type}`, SHAPES[parameter.type])
    values[parameter.name] = read
  }
  return values
}

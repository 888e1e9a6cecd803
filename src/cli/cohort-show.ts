/** `stoker cohort show`: what a cohort means, its sizes over time and, when asked, who is in it. */
import { Command } from 'commander'
import type { CohortDefinition } from '../analysis/cohort/definition.ts'
import type { AsOf, CohortRunLine } from '../analysis/cohort/records.ts'
import { cohortNamed } from '../analysis/cohort/library.ts'
import { shownPath } from '../app/shown-path.ts'
import type { Action } from './action.ts'
import { wholeNumber } from './arguments.ts'
import { lookAtCohorts, mustBeLive, type CohortLook } from './cohort-look.ts'
import { oddText, wrapped } from './cohort-text.ts'
import { countText, durationText } from '../core/figures.ts'
import { jsonText } from './json-text.ts'
import { snapshotNotice } from './lake-look.ts'
import { withLakeOptions, type LakeOptions } from './lake-option.ts'
import { pairsText, timeText } from './run-text.ts'
import { textTable } from './text-table.ts'

interface ShowOptions extends LakeOptions {
  readonly members?: true
  readonly snapshot?: number
  readonly limit: number
  readonly json?: true
}

export function cohortShowCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('show')
    .description('what a cohort means, and its sizes over time; its members only when asked')
    .argument('<name>', 'its name')
    .option('--members', 'the keys of its patients, one a line, and nothing else')
    .option(
      '--snapshot <number>',
      'with --members: as of this snapshot, not the last it was run over',
      wholeNumber(1, 2 ** 31 - 1),
    )
    .option('-n, --limit <count>', 'so many runs at most', wholeNumber(1, 100_000), 20)
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  stoker cohort show statin-gap
  stoker cohort show statin-gap --members > keys.txt
  stoker cohort show statin-gap --members --snapshot 3 --json      with the snapshot since which each is in

A size is that of the day it was counted: patients who were purged since are in it, and not among the members.`,
    )
    .action((name: string, _options, self: Command) => perform(() => show(name, self.opts<ShowOptions>())))
  return withLakeOptions(command)
}

async function show(name: string, options: ShowOptions): Promise<number> {
  return lookAtCohorts(options, (look) => (options.members ? members(name, look, options) : sizes(name, look, options)))
}

async function sizes(name: string, look: CohortLook, { limit, json }: ShowOptions): Promise<number> {
  const runs = await look.cohorts.cohortRuns({ cohort: name, limit })
  const { library, live } = look
  const definition =
    runs.length === 0 ? cohortNamed(library, name) : library.definitions.find((each) => each.name === name)
  if (json)
    process.stdout.write(jsonText({ live, name, definition: definitionJson(definition), runs: runs.map(runJson) }))
  else process.stdout.write(snapshotNotice(look) + headText(name, definition) + runsText(name, runs, definition))
  return 0
}

function definitionJson(definition: CohortDefinition | undefined): object | null {
  if (definition === undefined) return null
  const { file, title, description, simplified = null, codes, parameters, sql, hash } = definition
  return { file, title, description, simplified, codes, parameters, sql, hash }
}

function runJson({ parameters, ...run }: CohortRunLine): object {
  return { ...run, parameters: parameters === null ? null : (JSON.parse(parameters) as object) }
}

function headText(name: string, definition: CohortDefinition | undefined): string {
  if (definition === undefined) return `${name}: no definition of it is configured now\n\n`
  const { file, title, description, simplified, codes, parameters, hash } = definition
  const width = Math.max(0, ...codes.map(({ system, code }) => system.length + 1 + code.length))
  const parts = [
    `${name}: ${title}\n\n${wrapped(description, '  ')}`,
    simplified === undefined ? '' : `simplified:\n${wrapped(simplified, '  ')}`,
    codes.length === 0
      ? ''
      : `codes:\n${codes.map(({ system, code, display }) => `  ${`${system} ${code}`.padEnd(width)}  ${display}\n`).join('')}`,
    parameters.length === 0
      ? ''
      : `parameters:\n${pairsText(
          parameters.map((each) => [
            `${each.name} = ${each.value === null ? 'NULL' : String(each.value)}`,
            each.description,
          ]),
        )}`,
    `definition ${hash.slice(0, 12)} of ${shownPath(file)}\n`,
  ]
  return `${parts.filter((part) => part !== '').join('\n')}\n`
}

function runsText(name: string, runs: readonly CohortRunLine[], definition: CohortDefinition | undefined): string {
  if (runs.length === 0) return `not run yet: stoker cohort run ${name}\n`
  const right = (head: string) => ({ head, align: 'right' as const })
  const count = (value: number | null) => (value === null ? '' : countText(value))
  const table = textTable(
    [
      right('snapshot'),
      { head: 'published' },
      right('members'),
      right('entered'),
      right('left'),
      right('took'),
      { head: '' },
    ],
    runs.map((run) => [
      run.snapshot,
      timeText(run.published_at),
      count(run.members),
      count(run.entered),
      count(run.left),
      durationText(run.milliseconds),
      run.error_code ?? (run.definition_changed ? `definition ${run.definition.slice(0, 12)} from here on` : ''),
    ]),
  )
  const failures = runs.map((run) =>
    run.error_code === null
      ? ''
      : `over snapshot ${run.snapshot}: ${run.error_code}${run.error === null ? '' : `: ${run.error}`}\n`,
  )
  const last = runs.find(({ error_code }) => error_code === null)
  const odd = last === undefined ? '' : oddText(name, { ...last, nullKeys: last.null_keys })
  const changed =
    definition === undefined || last === undefined || last.definition === definition.hash
      ? ''
      : 'its file has changed since: the next run is by another definition\n'
  return `${table}${failures.join('')}${odd}${changed}`
}

/** Keys in memory at a time. */
const PAGE = 50_000

async function members(name: string, look: CohortLook, { snapshot, json }: ShowOptions): Promise<number> {
  mustBeLive(look, name)
  const at = await look.cohorts.cohortAsOf({ cohort: name, snapshot })
  if (json) {
    const all = []
    for await (const page of pages(look, name, at)) all.push(...page)
    process.stdout.write(jsonText({ name, ...at, members: all }))
    return 0
  }
  if (at.ran !== at.snapshot) process.stderr.write(`not run over snapshot ${at.snapshot}: as of snapshot ${at.ran}\n`)
  for await (const page of pages(look, name, at)) {
    process.stdout.write(page.map(({ patient_key }) => `${patient_key}\n`).join(''))
  }
  return 0
}

async function* pages({ cohorts }: CohortLook, name: string, { ran }: AsOf) {
  for (let after: string | undefined; ;) {
    const page = await cohorts.cohortMembers({ cohort: name, ran, after, limit: PAGE })
    if (page.length > 0) yield page
    if (page.length < PAGE) return
    after = page.at(-1)!.patient_key
  }
}

/** `stoker runs`: what each run did, newest first; `stoker runs show N`: all that is known of one. */
import { Command } from 'commander'
import { existsSync } from 'node:fs'
import { StokerError } from '../core/errors.ts'
import { rejectsPath } from '../landing/rejects.ts'
import type { RunDetails, RunLine } from '../ledger/run-details.ts'
import type { Lake } from '../warehouse/lake.ts'
import type { Action } from './action.ts'
import { wholeNumber } from './arguments.ts'
import { countText, plural } from '../core/figures.ts'
import { jsonText } from './json-text.ts'
import { lookIntoLedger, notInSnapshot, snapshotNotice, type LedgerLook } from './lake-look.ts'
import { lakeOf, withLakeOptions, type LakeOptions } from './lake-option.ts'
import { refuseUnknownSources } from './lake-sources.ts'
import { goesOnText, stateText, tookText } from '../ledger/run-state.ts'
import { runText } from './run-text.ts'
import { textTable } from './text-table.ts'

interface RunsOptions extends LakeOptions {
  readonly source?: string
  readonly limit: number
  readonly failed?: true
  readonly json?: true
}

export function runsCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('runs')
    .description('what each run did, newest first; all that is known of one')
    .argument('[source...]', 'names of sources; all of the lake when none is given')
    .option('-s, --source <name>', 'the same as the argument, for one source')
    .option('-n, --limit <count>', 'so many at most', wholeNumber(1, 100_000), 20)
    .option('--failed', 'only those that failed or were cancelled, and open ones that an error stopped')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  stoker runs
  stoker runs hospital --failed
  stoker runs show 12                phases, exports, files, rejects, what the server said
  stoker runs show 12 --json         every file of it; tries: so many syncs could not have it

Nothing of a resource's content is shown; of a line that could not be used, its place and where its text lies.`,
    )
    .action((sources: string[], _options, self: Command) => perform(() => list(sources, self.opts<RunsOptions>())))
  withLakeOptions(command)
  return command.addCommand(showCommand(perform))
}

/** Its options are those of `runs`, which takes them before the number and after it. */
function showCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('show')
    .description('all that is known of one run')
    .argument('<run>', 'its number', wholeNumber(1, 2 ** 31 - 1))
    .addHelpText(
      'after',
      `
Examples:
  stoker runs show 12
  stoker runs show 12 --lake /data/lake --json

Options as of stoker runs: --config, --lake, --json.`,
    )
    .action((run: number, _options, self: Command) => perform(() => show(run, self.optsWithGlobals<RunsOptions>())))
}

async function list(named: readonly string[], options: RunsOptions): Promise<number> {
  const { lake, memoryLimitBytes } = await lakeOf(options)
  const { source, limit, failed } = options
  const sources = [...named, ...(source === undefined ? [] : [source])]
  const { runs, live, notice } = await lookIntoLedger(lake, memoryLimitBytes, async (look) => {
    await refuseUnknownSources(sources, look.ledger, options)
    const found = await look.ledger.runs({ sources, limit, ...(failed && { failed }) })
    return { runs: found, live: look.live, notice: snapshotNotice(look) }
  })
  process.stdout.write(options.json ? jsonText({ live, runs }) : notice + runsText(runs, live, failed))
  return 0
}

function runsText(runs: readonly RunLine[], live: boolean, failed: true | undefined): string {
  if (runs.length === 0)
    return failed ? 'no run failed, was cancelled, or was stopped by an error\n' : 'no run yet: stoker sync\n'
  const table = textTable(
    [
      { head: 'run', align: 'right' },
      ...['source', 'mode', 'state', 'started'].map((head) => ({ head })),
      ...['took', 'files', 'changed', 'rejects'].map((head) => ({ head, align: 'right' as const })),
    ],
    runs.map((run) => [
      run.run,
      run.source,
      run.mode,
      stateText(run),
      `${run.started_at.toISOString().slice(0, 16)}Z`,
      tookText(run) ?? '',
      countText(run.files),
      countText(run.changed),
      countText(run.rejects),
    ]),
  )
  const goingOn = live ? runs.flatMap((run) => goesOnText(run) ?? []) : []
  return `${table}${runs.map(remarkText).join('')}${goingOn.map((text) => `${text}\n`).join('')}`
}

function remarkText({ run, error_code, error_message, held }: RunLine): string {
  const error = error_code === null ? '' : `run ${run}: ${error_code}: ${error_message ?? ''}\n`
  return `${error}${held === 0 ? '' : `run ${run}: ${plural(held, 'type')} held back: stoker runs show ${run}\n`}`
}

async function show(run: number, options: RunsOptions): Promise<number> {
  const { lake, memoryLimitBytes } = await lakeOf(options)
  const { details, live, notice } = await lookIntoLedger(lake, memoryLimitBytes, async (look) => {
    const found = await look.ledger.run({ run })
    if (found === null) throw await unknownRun(run, look)
    return { details: found, live: look.live, notice: snapshotNotice(look) }
  })
  process.stdout.write(
    options.json
      ? jsonText({ live, ...detailsJson(details, lake) })
      : `${notice}${runText(details, rejectsFileOf(details, lake))}`,
  )
  return 0
}

async function unknownRun(run: number, { shut, ledger }: LedgerLook): Promise<StokerError> {
  const last = await ledger.lastRun()
  if (shut !== undefined && run > (last ?? 0))
    return notInSnapshot(shut, `run ${run} is not in the newest snapshot`, 'what came after it')
  return new StokerError('RUNS_UNKNOWN', `there is no run ${run}`, {
    hint: last === null ? 'nothing was run yet: stoker sync' : `the last one is ${last}: stoker runs`,
  })
}

/** Where landing put them, if they are still there; relative to the lake. */
function rejectsFileOf({ run }: RunDetails, lake: Lake): (file: number) => string | undefined {
  return (file) => {
    const path = rejectsPath(lake.raw(run.source, run.run, file))
    return existsSync(lake.path(path)) ? path : undefined
  }
}

function detailsJson({ run, ...details }: RunDetails, lake: Lake): object {
  const fileOf = rejectsFileOf({ run, ...details }, lake)
  return {
    ...run,
    ...details,
    rejects: details.rejects.map((each) => ({ ...each, text_in: fileOf(each.file) ?? null })),
  }
}

/** `stoker cohort diff`: who entered and who left between two snapshots, as counts or as keys. */
import { Command } from 'commander'
import type { CohortDiff, MovedMember } from '../analysis/cohort/records.ts'
import type { Action } from './action.ts'
import { wholeNumber } from './arguments.ts'
import { lookAtCohorts, mustBeLive, type CohortLook } from './cohort-look.ts'
import { StokerError } from '../core/errors.ts'
import { countText, plural } from '../core/figures.ts'
import { jsonText } from './json-text.ts'
import { withLakeOptions, type LakeOptions } from './lake-option.ts'

interface DiffOptions extends LakeOptions {
  readonly from?: number
  readonly to?: number
  readonly members?: true
  readonly json?: true
}

export function cohortDiffCommand(perform: (action: Action) => Promise<void>): Command {
  const snapshot = wholeNumber(1, 2 ** 31 - 1)
  const command = new Command('diff')
    .description('how many entered and left between two snapshots; who, only when asked')
    .argument('<name>', 'its name')
    .option(
      '--from <snapshot>',
      'the snapshot to compare with (default: the one that it was run over before)',
      snapshot,
    )
    .option('--to <snapshot>', 'the snapshot that is compared (default: the newest that it was run over)', snapshot)
    .option('--members', 'their keys, + entered, - left')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  stoker cohort diff statin-gap                       what the last run changed
  stoker cohort diff statin-gap --from 3 --to 7
  stoker cohort diff statin-gap --from 3 --to 7 --members

A snapshot that the cohort was not run over is as the one before it. The snapshots need not be there any more.`,
    )
    .action((name: string, _options, self: Command) =>
      perform(() => lookAtCohorts(self.opts<DiffOptions>(), (look) => diff(name, look, self.opts<DiffOptions>()))),
    )
  return withLakeOptions(command)
}

async function diff(name: string, look: CohortLook, options: DiffOptions): Promise<number> {
  mustBeLive(look, name)
  const found = await look.cohorts.cohortDiff({ cohort: name, ...(await snapshots(name, look, options)) })
  const moved: MovedMember[] = []
  if (options.members) for await (const page of pages(look, name, found)) moved.push(...page)
  if (options.json) process.stdout.write(jsonText({ name, ...found, ...(options.members && { members: moved }) }))
  else if (options.members) process.stdout.write(moved.map(lineOf).join(''))
  else process.stdout.write(diffText(name, found))
  return 0
}

/** What is not given is the newest run, and the one before it. */
async function snapshots(cohort: string, { cohorts }: CohortLook, { from, to }: DiffOptions) {
  if (from !== undefined && to !== undefined) return { from, to }
  const runs = (await cohorts.cohortRuns({ cohort, limit: RUNS })).filter(({ error_code }) => error_code === null)
  const last = to ?? runs[0]?.snapshot ?? 1
  const before = from ?? runs.find(({ snapshot }) => snapshot < last)?.snapshot
  if (before !== undefined) return { from: before, to: last }
  throw new StokerError('COHORT_ONE_RUN', `${cohort} was run over no snapshot before, to compare with`, {
    hint: `stoker cohort show ${cohort} lists the snapshots it was run over; it is run over the newest by stoker cohort run`,
    facts: { cohort },
  })
}

/** That are looked through for the one before. */
const RUNS = 10_000

function lineOf({ patient_key, change }: MovedMember): string {
  return `${change === 'entered' ? '+' : '-'} ${patient_key}\n`
}

const PAGE = 50_000

async function* pages({ cohorts }: CohortLook, cohort: string, { from, to }: CohortDiff) {
  for (let after: string | undefined; ;) {
    const page = await cohorts.cohortMoved({ cohort, from: from.ran, to: to.ran, after, limit: PAGE })
    yield page
    if (page.length < PAGE) return
    after = page.at(-1)!.patient_key
  }
}

function diffText(name: string, { from, to, entered, left, stayed, redefined }: CohortDiff): string {
  const lines = [
    `${name}, from snapshot ${from.snapshot} to snapshot ${to.snapshot}`,
    `  entered  ${countText(entered)}`,
    `  left     ${countText(left)}`,
    `  stayed   ${countText(stayed)}`,
  ]
  for (const { snapshot, ran } of [from, to]) {
    if (snapshot !== ran) lines.push(`not run over snapshot ${snapshot}: as of snapshot ${ran}`)
  }
  if (redefined.length > 0) {
    const where = `${plural(redefined.length, 'time')}, at snapshot ${redefined.join(', ')}`
    lines.push(`its definition changed in between (${where}): not only patients have moved`)
  }
  return `${lines.join('\n')}\n`
}

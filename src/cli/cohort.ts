/** `stoker cohort`: patients that a definition finds in each snapshot, and who entered and left since. */
import { Command } from 'commander'
import type { Action } from './action.ts'
import { cohortDiffCommand } from './cohort-diff.ts'
import { cohortExamplesCommand } from './cohort-examples.ts'
import { cohortListCommand } from './cohort-list.ts'
import { cohortRunCommand } from './cohort-run.ts'
import { cohortShowCommand } from './cohort-show.ts'

export function cohortCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('cohort')
    .description('cohorts of patients, run over snapshots: run, list, show, compare')
    .addHelpText(
      'after',
      `
Examples:
  stoker cohort examples my-cohorts              six definitions to begin with
  stoker cohort run                              all of the configuration, over the newest snapshot
  stoker cohort list
  stoker cohort show statin-gap
  stoker cohort diff statin-gap --from 3 --to 7

In the configuration:
  cohorts: [my-cohorts]

A definition is one SQL file, my-cohorts/NAME.sql: a header in comments, then one SELECT with a column patient_key:
  -- title: Adults
  -- description: Everybody who was born long enough ago.
  -- parameter born_before DATE = 2008-01-01  the first day that is too late
  SELECT _resource_key AS patient_key FROM patient WHERE birth_date < $born_before

The worker runs them after each snapshot. Keys of patients are shown by --members alone.`,
    )
  for (const inner of [
    cohortRunCommand,
    cohortListCommand,
    cohortShowCommand,
    cohortDiffCommand,
    cohortExamplesCommand,
  ])
    command.addCommand(inner(perform))
  return command
}

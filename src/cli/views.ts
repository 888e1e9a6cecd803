/** `stoker views`: the tables' definitions, without a server and without a warehouse. */
import { Command } from 'commander'
import type { Action } from './action.ts'
import { viewsCheckCommand } from './views-check.ts'
import { viewsCompileCommand } from './views-compile.ts'
import { viewsDocsCommand } from './views-docs.ts'
import { viewsGenerateCommand } from './views-generate.ts'
import { viewsListCommand } from './views-list.ts'
import { viewsRunCommand } from './views-run.ts'
import { viewsTestCommand } from './views-test.ts'

export function viewsCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('views')
    .description('the ViewDefinitions (SQL on FHIR) that tables are made by: list, check, run, document, generate')
    .addHelpText(
      'after',
      `
Examples:
  stoker views list                                       the views that come with Stoker
  stoker views check my-views                             every mistake, with its place
  stoker views run patient --input Patient.ndjson         rows of a file, no server, no warehouse
  stoker views generate CarePlan --out my-views           default tables of any resource type`,
    )
  for (const inner of [
    viewsListCommand,
    viewsCheckCommand,
    viewsCompileCommand,
    viewsRunCommand,
    viewsDocsCommand,
    viewsGenerateCommand,
    viewsTestCommand,
  ])
    command.addCommand(inner(perform))
  return command
}

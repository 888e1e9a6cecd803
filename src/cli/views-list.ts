/** `stoker views list`: names, resource types and grains. */
import { Command } from 'commander'
import type { Action } from './action.ts'
import { textTable } from './text-table.ts'
import { openViews } from './view-files.ts'

export function viewsListCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('list')
    .description('show the views of files and folders')
    .argument('[path...]', 'files and folders; the views that come with Stoker when none is given')
    .option('--json', 'the list as JSON')
    .addHelpText(
      'after',
      `
Examples:
  stoker views list
  stoker views list my-views --json`,
    )
    .action((paths: string[], options: { json?: true }) =>
      perform(async () => {
        const views = (await openViews(paths)).map(({ view, file }) => ({
          name: view.name,
          resource: view.resource,
          columns: view.columns.length,
          description: view.description,
          file: file.path,
        }))
        if (options.json) process.stdout.write(`${JSON.stringify(views, null, 2)}\n`)
        else process.stdout.write(listText(views))
        return 0
      }),
    )
}

interface Listed {
  readonly name: string
  readonly resource: string
  readonly columns: number
  readonly description: string | undefined
}

function listText(views: readonly Listed[]): string {
  return textTable(
    [{ head: 'view' }, { head: 'resource' }, { head: 'columns', align: 'right' }, { head: 'rows' }],
    views.map(({ name, resource, columns, description }) => [name, resource, columns, grainOf(description)]),
  )
}

/** The first sentence. */
function grainOf(description: string | undefined): string {
  return /^.*?\.(?=\s|$)/.exec(description ?? '')?.[0] ?? description ?? ''
}

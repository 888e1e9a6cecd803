/** `stoker cohort examples`: the definitions that come with Stoker, shown or copied to begin with. */
import type { Command } from 'commander'
import { basename, join } from 'node:path'
import { readCohorts } from '../analysis/cohort/library.ts'
import { EXAMPLE_COHORTS } from '../app/cohort-context.ts'
import type { Action } from './action.ts'
import { copyExample, examplesCommand } from './example-copy.ts'
import { jsonText } from './json-text.ts'
import { textTable } from './text-table.ts'

export function cohortExamplesCommand(perform: (action: Action) => Promise<void>): Command {
  return examplesCommand(perform, { help: HELP, examples })
}

const HELP = `
Examples:
  stoker cohort examples
  stoker cohort examples my-cohorts        then cohorts: [my-cohorts] in the configuration

Each says in its header where it is simpler than what is published under that name. None of them is for deciding on a
patient's care.`

async function examples(folder: string | undefined, { json }: { readonly json?: true }): Promise<number> {
  const { definitions } = await readCohorts([EXAMPLE_COHORTS])
  const cohorts = []
  for (const { name, title, file } of definitions) {
    const to = folder === undefined ? undefined : join(folder, basename(file))
    cohorts.push({ name, title, file: to ?? file, copied: to !== undefined && (await copyExample(file, to)) })
  }
  if (json) process.stdout.write(jsonText({ cohorts }))
  else {
    const rows = cohorts.map(({ name, title, file, copied }) => [
      name,
      title,
      folder === undefined || copied ? file : `${file} was there, and stays as it is`,
    ])
    process.stdout.write(textTable([{ head: 'cohort' }, { head: 'title' }, { head: 'file' }], rows))
    if (folder !== undefined) process.stdout.write(`\nIn the configuration: cohorts: [${folder}]\n`)
  }
  return 0
}

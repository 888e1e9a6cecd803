/** `stoker dataset examples`: the definitions that come with Stoker, shown or copied to begin with. */
import type { Command } from 'commander'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { EXAMPLE_DATASETS, shownPath } from '../app/shown-path.ts'
import type { Action } from './action.ts'
import { copyExample, examplesCommand } from './example-copy.ts'
import { jsonText } from './json-text.ts'

export function datasetExamplesCommand(perform: (action: Action) => Promise<void>): Command {
  return examplesCommand(perform, { help: HELP, examples })
}

const HELP = `
Examples:
  stoker dataset examples
  stoker dataset examples my-datasets
  stoker dataset build my-datasets/readmission-30d.yaml --to readmission-1      afterwards`

async function examples(folder: string | undefined, { json }: { readonly json?: true }): Promise<number> {
  const datasets = []
  for (const name of (await readdir(EXAMPLE_DATASETS)).sort()) {
    const source = join(EXAMPLE_DATASETS, name)
    const { description } = parse(await readFile(source, 'utf8')) as { description: string }
    const file = folder === undefined ? shownPath(source) : join(folder, name)
    const copied = folder !== undefined && (await copyExample(source, file))
    datasets.push({ file, description: description.trim(), copied })
  }
  if (json) process.stdout.write(jsonText({ datasets }))
  else {
    for (const { file, description, copied } of datasets) {
      const note = folder === undefined || copied ? '' : ' was there, and stays as it is'
      process.stdout.write(`${file}${note}\n  ${description}\n`)
    }
  }
  return 0
}

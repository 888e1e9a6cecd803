/** The `examples` of a command: what comes with Stoker, listed, or copied to be changed; what is there stays. */
import { Command } from 'commander'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'
import type { Action } from './action.ts'

export type Examples = (folder: string | undefined, options: { readonly json?: true }) => Promise<number>

/** @param help its examples, and what else there is to say */
export function examplesCommand(
  perform: (action: Action) => Promise<void>,
  { help, examples }: { readonly help: string; readonly examples: Examples },
): Command {
  return new Command('examples')
    .description('the definitions that come with Stoker: list them, or copy them to make them your own')
    .argument('[folder]', 'copies them there; files that are there stay as they are')
    .option('--json', 'as JSON')
    .addHelpText('after', help)
    .action((folder: string | undefined, options: { json?: true }) => perform(() => examples(folder, options)))
}

/** False where something is there already. */
export async function copyExample(file: string, to: string): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true })
  // An editor looks for the schema from where the file lies.
  const text = (await readFile(file, 'utf8')).replace(/(?<=\$schema=)\.\S+/, (schema) =>
    relative(dirname(resolve(to)), resolve(dirname(file), schema)).replaceAll('\\', '/'),
  )
  try {
    await writeFile(to, text, { flag: 'wx' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** `stoker views check`: every mistake of every view, with file, line, path and position, before anything is loaded. */
import { Command } from 'commander'
import { ViewError } from '../views/view-error.ts'
import type { Action } from './action.ts'
import { EXIT } from './exit-code.ts'
import { plural } from '../core/figures.ts'
import { JsonPlaces } from './json-places.ts'
import { compiledFile, viewFiles, type ViewFile } from './view-files.ts'

/** One mistake, as `--json` gives it. Lines and columns from 1; `position` is the place in the FHIRPath, from 1. */
interface Mistake {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly path: string | undefined
  readonly position: number | undefined
  readonly code: string
  readonly problem: string
  readonly hint: string | undefined
}

export function viewsCheckCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('check')
    .description('name every mistake of the views of files and folders')
    .argument('[path...]', 'files and folders; the views that come with Stoker when none is given')
    .option('--json', 'the mistakes as JSON')
    .addHelpText(
      'after',
      `
Examples:
  stoker views check my-views
  stoker views check my-views/risk.json --json

Each mistake is one line: file:line:column, the path in the JSON, the place in the FHIRPath, what is wrong, and the
nearest right name. Exit code 2 when there is one.`,
    )
    .action((paths: string[], options: { json?: true }) =>
      perform(async () => {
        const files = await viewFiles(paths)
        const mistakes = mistakesOf(files)
        if (options.json) process.stdout.write(`${JSON.stringify({ views: files.length, mistakes }, null, 2)}\n`)
        else process.stdout.write(`${mistakes.map(mistakeText).join('')}${endText(files.length, mistakes.length)}\n`)
        return mistakes.length === 0 ? EXIT.done : EXIT.usage
      }),
    )
}

function mistakesOf(files: readonly ViewFile[]): Mistake[] {
  const owners = new Map<string, string>()
  return files.flatMap((file) => {
    try {
      const { view, definition } = compiledFile(file)
      if ((definition as { name?: unknown }).name === undefined)
        return [mistake(file, new ViewError('VIEW_INVALID', 'is missing: the name of the table', { path: 'name' }))]
      const owner = owners.get(view.name.toLowerCase())
      owners.set(view.name.toLowerCase(), owner ?? file.path)
      if (owner === undefined) return []
      const problem = `the name ${view.name} belongs to ${owner} already`
      return [mistake(file, new ViewError('VIEW_INVALID', problem, { path: 'name' }))]
    } catch (error) {
      if (!(error instanceof ViewError)) throw error
      return error.mistakes
        .map((one) => mistake(file, one))
        .sort((one, other) => one.line - other.line || one.column - other.column)
    }
  })
}

function mistake(file: ViewFile, { code, problem, hint, place }: ViewError): Mistake {
  const { path, position } = place
  const places = new JsonPlaces(file.text)
  // A position without a path is one in the JSON itself: it has no paths.
  if (path === undefined && position !== undefined)
    return { file: file.path, ...places.at(position - 1), path, position: undefined, code, problem, hint }
  return { file: file.path, ...places.of(path ?? ''), path, position, code, problem, hint }
}

function mistakeText({ file, line, column, path, position, problem, hint }: Mistake): string {
  const where = [path, position === undefined ? undefined : `character ${position}`].filter((one) => one !== undefined)
  const place = where.length === 0 ? '' : `${where.join(', ')}: `
  return `${file}:${line}:${column}: ${place}${problem}${hint === undefined ? '' : ` (${hint})`}\n`
}

function endText(views: number, mistakes: number): string {
  const all = `${plural(views, 'view')}: `
  return mistakes === 0 ? `${all}nothing is wrong` : `${all}${plural(mistakes, 'mistake')}`
}

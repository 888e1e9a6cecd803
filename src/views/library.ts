/** A folder of ViewDefinitions, compiled; every mistake in it named at once. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../core/errors.ts'
import { compileView, type CompiledView, type CompileOptions } from './compile.ts'
import { parseDefinition } from './definition-text.ts'
import { ViewError, within } from './view-error.ts'

/** The mistakes of a folder of views: code VIEWS_INVALID. */
export class ViewsError extends StokerError {
  readonly mistakes: readonly ViewError[]

  constructor(folder: string, mistakes: readonly ViewError[]) {
    const lines = mistakes.map((one) => `\n  ${one.message}${one.hint === undefined ? '' : ` (${one.hint})`}`)
    super('VIEWS_INVALID', `the views of ${folder} have mistakes (${mistakes.length}):${lines.join('')}`, {
      hint: 'correct the views, or move them out of the folder',
      facts: { folder, mistakes: mistakes.length },
    })
    this.mistakes = mistakes
  }
}

/**
 * The views of several folders.
 * @throws ViewsError for the first folder with mistakes, such as a name that a view of an earlier folder has.
 */
export async function loadAllViews(folders: readonly string[], options: CompileOptions = {}): Promise<CompiledView[]> {
  const all = new Map<string, { readonly view: CompiledView; readonly folder: string }>()
  for (const folder of folders) {
    const views = await loadViews(folder, options)
    const mistakes = views.flatMap((view) => {
      const other = all.get(view.name.toLowerCase())
      if (other === undefined) return []
      const hint = 'rename this one, or leave the other folder out (views.shipped: false)'
      return [new ViewError('VIEW_INVALID', `the name ${view.name} belongs to a view of ${other.folder}`, {}, hint)]
    })
    if (mistakes.length > 0) throw new ViewsError(folder, mistakes)
    for (const view of views) all.set(view.name.toLowerCase(), { view, folder })
  }
  return [...all.values()].map(({ view }) => view)
}

/**
 * Compiles every `*.json` of the folder, by file name.
 * @throws ViewsError with every mistake of each file, and every name that two views have.
 */
export async function loadViews(folder: string, options: CompileOptions = {}): Promise<CompiledView[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
  const views: CompiledView[] = []
  const mistakes: ViewError[] = []
  const known = new Map<string, string>()
  for (const file of files) {
    try {
      const view = compileFile(file, await readFile(join(folder, file), 'utf8'), options)
      const other = known.get(view.name.toLowerCase())
      if (other !== undefined)
        throw new ViewError('VIEW_INVALID', `the name ${view.name} belongs to ${other} already`, { file, path: 'name' })
      known.set(view.name.toLowerCase(), file)
      views.push(view)
    } catch (error) {
      if (!(error instanceof ViewError)) throw error
      mistakes.push(...error.mistakes.map((one) => one.within({ file })))
    }
  }
  if (mistakes.length > 0) throw new ViewsError(folder, mistakes)
  return views
}

function compileFile(file: string, text: string, options: CompileOptions): CompiledView {
  const definition = within({ file }, () => parseDefinition(text))
  const view = compileView(definition, options)
  if ((definition as { name?: unknown }).name === undefined) {
    throw new ViewError('VIEW_INVALID', 'is missing: the name of the table', { file, path: 'name' })
  }
  const reserved = reservation(view.name)
  if (reserved !== undefined) {
    throw new ViewError('VIEW_INVALID', reserved, { file, path: 'name' }, 'name the table otherwise')
  }
  return view
}

/** What a view's name takes the place of as a table of the warehouse, or as a folder of a snapshot. */
function reservation(name: string): string | undefined {
  if (name.toLowerCase() === 'stoker') return `${name} is the place of Stoker's own tables: a schema and a folder`
  if (BUILT_IN.test(name)) return `${name} may be a table of DuckDB itself, as all names that begin so`
  if (name.length > NAME_CHARACTERS_MAX) return `is longer than the name of a folder can be (${NAME_CHARACTERS_MAX})`
  return undefined
}

/** DuckDB's own tables stand in every schema's way: beside a table `duckdb_columns`, SHOW TABLES fails. */
const BUILT_IN = /^(?:duckdb|sqlite|pragma)_/i

/** Of a folder or file on the file systems in use. */
const NAME_CHARACTERS_MAX = 255

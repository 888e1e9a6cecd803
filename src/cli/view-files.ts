/** The ViewDefinitions that a command is given: files, folders, or names of those that come with Stoker. */
import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SHIPPED_VIEWS } from '../app/config-views.ts'
import { StokerError } from '../core/errors.ts'
import { nearestName } from '../core/nearest-name.ts'
import { compileView, type CompiledView } from '../views/compile.ts'
import { parseDefinition } from '../views/definition-text.ts'
import { ViewsError } from '../views/library.ts'
import { ViewError } from '../views/view-error.ts'

export interface ViewFile {
  readonly path: string
  readonly text: string
}

export interface OpenedView {
  readonly file: ViewFile
  readonly definition: unknown
  readonly view: CompiledView
}

/**
 * The files of these paths; a folder stands for its `*.json`, no path for the views that come with Stoker.
 * @throws StokerError VIEWS_MISSING
 */
export async function viewFiles(paths: readonly string[]): Promise<ViewFile[]> {
  const files: ViewFile[] = []
  for (const path of paths.length === 0 ? [SHIPPED_VIEWS] : paths) {
    const isFolder = (await exists(path)) ? (await stat(path)).isDirectory() : false
    const names = isFolder ? (await jsonNames(path)).map((name) => join(path, name)) : [await fileOf(path)]
    if (names.length === 0)
      throw new StokerError('VIEWS_MISSING', `the folder ${path} has no *.json`, {
        hint: 'name another folder, or a file',
      })
    for (const name of names) files.push({ path: name, text: await readFile(name, 'utf8') })
  }
  return files
}

/**
 * The view of a file, or the one that comes with Stoker under this name.
 * @throws ViewsError with all its mistakes
 */
export async function openView(pathOrName: string): Promise<OpenedView> {
  const path = await fileOf(pathOrName)
  if ((await stat(path)).isDirectory())
    throw new StokerError('VIEWS_MISSING', `${path} is a folder, where one view is wanted`, {
      hint: 'name a file in it',
    })
  const text = await readFile(path, 'utf8')
  return named(path, () => compiledFile({ path, text }))
}

/** The views of these paths, as {@link viewFiles} finds them. @throws ViewsError with all mistakes of the first wrong one */
export async function openViews(paths: readonly string[]): Promise<OpenedView[]> {
  const files = await viewFiles(paths)
  return files.map((file) => named(file.path, () => compiledFile(file)))
}

function named<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof ViewError ? new ViewsError(path, error.mistakes) : error
  }
}

/** @throws ViewError with all its mistakes, each with the file */
export function compiledFile(file: ViewFile): OpenedView {
  try {
    const definition = parseDefinition(file.text)
    return { file, definition, view: compileView(definition) }
  } catch (error) {
    if (!(error instanceof ViewError)) throw error
    const mistakes = error.mistakes.map((one) => one.within({ file: file.path }))
    throw mistakes[0]!.naming(mistakes)
  }
}

async function fileOf(pathOrName: string): Promise<string> {
  if (await exists(pathOrName)) return pathOrName
  const names = (await jsonNames(SHIPPED_VIEWS)).map((name) => name.slice(0, -'.json'.length))
  if (names.includes(pathOrName)) return join(SHIPPED_VIEWS, `${pathOrName}.json`)
  const nearest = nearestName(pathOrName, names)
  throw new StokerError('VIEWS_MISSING', `there is no file ${pathOrName}, and no view of that name comes with Stoker`, {
    hint: nearest === undefined ? 'name a file, or a view that `stoker views list` shows' : `did you mean ${nearest}?`,
  })
}

async function jsonNames(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

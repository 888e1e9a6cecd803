/** The folders of ViewDefinitions, and the resource types they know. */
import { readFile, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConfigPath } from './config-document.ts'
import type { ConfigFields } from './config-fields.ts'
import type { ConfigFindings, Trouble } from './config-findings.ts'
import { shownPath } from './shown-path.ts'

/** The folder of the views that come with Stoker; relative to `src/app` and to `dist/app` alike. */
export const SHIPPED_VIEWS = fileURLToPath(new URL('../../schemas/views/us-core', import.meta.url))

export interface ConfiguredViews {
  readonly folders: readonly string[]
  /** Sorted; what a source without `types` asks for. Undefined when a mistake was reported. */
  readonly types: readonly string[] | undefined
  /** Those of the folders that the configuration names, not of the shipped one. */
  readonly own: readonly OwnView[]
}

interface OwnView {
  /** The file's name. */
  readonly file: string
  /** The resource type it reads. */
  readonly type: string
  /** Where the configuration names its folder. */
  readonly path: ConfigPath
}

/** `fields` is the `views` block; `folder` the configuration's own. */
export async function readViews(fields: ConfigFields, folder: string): Promise<ConfiguredViews> {
  const named = fields.texts('folders').map(({ text, path }) => ({ path, folder: resolve(folder, text) }))
  const isShipped = fields.flag('shipped') ?? true
  const all = isShipped ? [{ path: [...fields.path, 'shipped'], folder: SHIPPED_VIEWS }, ...named] : named
  const types = new Set<string>()
  const own: OwnView[] = []
  let isSound = !['', 'shipped', 'folders'].some((key) => fields.isMisshapen(key))
  for (const each of all) {
    const { trouble, views } = await viewsOf(each.folder)
    for (const { type } of views) types.add(type)
    if (each.folder !== SHIPPED_VIEWS) own.push(...views.map((view) => ({ ...view, path: each.path })))
    if (trouble === undefined) continue
    fields.findings.mistake(each.path, ...trouble)
    isSound = false
  }
  return { folders: all.map((each) => each.folder), types: isSound ? [...types].sort() : undefined, own }
}

/** A view of a type that no source loads is a slip, more often than not: of the type, or of `types`. */
export function warnOfIdleViews(own: readonly OwnView[], loaded: ReadonlySet<string>, findings: ConfigFindings): void {
  for (const { file, type, path } of own.filter((view) => !loaded.has(view.type))) {
    const wayOut = `Add ${type} to types of a source, or move the view away.`
    findings.warning(path, `${file} is a view of ${type}, which no source loads: its table stays empty`, wayOut)
  }
}

interface ViewsOfFolder {
  readonly views: readonly Omit<OwnView, 'path'>[]
  readonly trouble: Trouble | undefined
}

async function viewsOf(folder: string): Promise<ViewsOfFolder> {
  let files: string[]
  try {
    files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason'
    const shown = shownPath(folder)
    const problem = code === 'ENOENT' ? `there is no folder ${shown}` : `can not read the folder ${shown} (${code})`
    return { views: [], trouble: [problem, 'Make it, or correct the path, relative to this file.'] }
  }
  const views: Omit<OwnView, 'path'>[] = []
  for (const file of files) {
    const type = await viewedType(join(folder, file))
    if (type !== undefined) views.push({ file, type })
  }
  const odd = files.find((file) => !views.some((view) => view.file === file))
  if (odd === undefined) return { views, trouble: undefined }
  const problem = `${shownPath(join(folder, odd))} is no ViewDefinition`
  return { views, trouble: [problem, 'Correct it (JSON with "resource"), or move it away.'] }
}

async function viewedType(file: string): Promise<string | undefined> {
  try {
    const view = JSON.parse(await readFile(file, 'utf8')) as { resource?: unknown } | null
    return typeof view?.resource === 'string' ? view.resource : undefined
  } catch {
    return undefined
  }
}

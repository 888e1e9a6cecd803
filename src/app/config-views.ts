/** The folders of ViewDefinitions, and the resource types they know. */
import { readFile, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConfigPath } from './config-document.ts'
import type { ConfigFields } from './config-fields.ts'
import type { Trouble } from './config-findings.ts'

/** The folder of the views that come with Stoker; relative to `src/app` and to `dist/app` alike. */
export const SHIPPED_VIEWS = fileURLToPath(new URL('../../schemas/views/us-core', import.meta.url))

export interface ConfiguredViews {
  readonly folders: readonly string[]
  /** Sorted; what a source without `types` asks for. Undefined when a mistake was reported. */
  readonly types: readonly string[] | undefined
}

/** `fields` is the `views` block; `folder` the configuration's own. */
export async function readViews(fields: ConfigFields, folder: string): Promise<ConfiguredViews> {
  const named: { path: ConfigPath; folder: string }[] = []
  if (fields.flag('shipped') ?? true) named.push({ path: [...fields.path, 'shipped'], folder: SHIPPED_VIEWS })
  for (const { text, path } of fields.texts('folders')) named.push({ path, folder: resolve(folder, text) })
  const types = new Set<string>()
  let isSound = !['', 'shipped', 'folders'].some((key) => fields.isMisshapen(key))
  for (const each of named) {
    const trouble = await collectTypes(each.folder, types)
    if (!trouble) continue
    fields.findings.mistake(each.path, ...trouble)
    isSound = false
  }
  return { folders: named.map((each) => each.folder), types: isSound ? [...types].sort() : undefined }
}

async function collectTypes(folder: string, types: Set<string>): Promise<Trouble | undefined> {
  let names: string[]
  try {
    names = (await readdir(folder)).filter((name) => name.endsWith('.json'))
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason'
    const problem = code === 'ENOENT' ? `there is no folder ${folder}` : `can not read the folder ${folder} (${code})`
    return [problem, 'Make it, or correct the path, relative to this file.']
  }
  for (const name of names) {
    const type = await viewedType(join(folder, name))
    if (type === undefined) {
      return [`${join(folder, name)} is no ViewDefinition`, 'Correct it (JSON with "resource"), or move it away.']
    }
    types.add(type)
  }
  return undefined
}

async function viewedType(file: string): Promise<string | undefined> {
  try {
    const view = JSON.parse(await readFile(file, 'utf8')) as { resource?: unknown } | null
    return typeof view?.resource === 'string' ? view.resource : undefined
  } catch {
    return undefined
  }
}

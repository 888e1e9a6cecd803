/** Where canaries are found: in texts, in files and in their names. */
import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { CANARIES, type Canary } from './canary-server.ts'

/** A canary may also stand there as base64, from any of its bytes on, or as hexadecimal text. */
const FORMS = Object.fromEntries(
  Object.entries(CANARIES).map(([name, word]) => {
    const coded = [0, 1, 2].map((shift) => Buffer.from(word.slice(shift)).toString('base64').slice(0, 16))
    return [name, [word, ...coded, Buffer.from(word).toString('hex')]]
  }),
) as Record<Canary, string[]>

export function canariesIn(text: string): Canary[] {
  return (Object.keys(FORMS) as Canary[]).filter((name) => FORMS[name].some((form) => text.includes(form)))
}

/** Paths below the folder with `/`, of all files. */
export async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return files.map((file) => relative(root, file).split(sep).join('/')).sort()
}

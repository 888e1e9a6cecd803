/** Copies of what comes with Stoker, to be changed: what is there stays. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, relative, resolve } from 'node:path'

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

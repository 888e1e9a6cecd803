/** Copies of what comes with Stoker, to be changed: what is there stays. */
import { constants, copyFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'

/** False where something is there already. */
export async function copyExample(file: string, to: string): Promise<boolean> {
  await mkdir(dirname(to), { recursive: true })
  try {
    await copyFile(file, to, constants.COPYFILE_EXCL)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** A private key's file: made anew, never over another one. */
import { mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { FILE_MODE, FOLDER_MODE, syncFolder } from '../core/durable.ts'
import { StokerError } from '../core/errors.ts'

/**
 * A key that is there may be registered somewhere: losing it is losing access.
 * @param otherwise what to do where the path is taken, besides giving another one
 * @throws StokerError USAGE_KEY_EXISTS, or what the operating system says of the file
 */
export async function writeNewKey(path: string, text: string, otherwise: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE })
  const handle = await open(path, 'wx', FILE_MODE).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
    throw new StokerError('USAGE_KEY_EXISTS', `${path} is there already`, {
      hint: `give another path, or ${otherwise}`,
    })
  })
  try {
    await handle.writeFile(text)
    await handle.sync()
  } catch (error) {
    await rm(path, { force: true })
    throw error
  } finally {
    await handle.close()
  }
  await syncFolder(dirname(path))
}

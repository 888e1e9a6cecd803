/** Files that survive a crash: private folders, write aside, fsync, rename, fsync the folder. */
import { chmod, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Everything Stoker writes may hold patients' data: for the owner's eyes only. */
export const FILE_MODE = 0o600
export const FOLDER_MODE = 0o700

/**
 * Makes `path` and its missing parents, each readable by the owner alone. Node's own recursive mkdir never ends where the
 * system says ENOENT of a folder whose parent exists (/proc).
 */
export async function makeFolder(path: string): Promise<void> {
  const make = () => mkdir(path, { mode: FOLDER_MODE })
  try {
    await make().catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' || dirname(path) === path) throw error
      await makeFolder(dirname(path))
      await make()
    })
  } catch (error) {
    const isFolder = (error as NodeJS.ErrnoException).code === 'EEXIST' && (await stat(path)).isDirectory()
    if (!isFolder) throw error
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Makes a rename or a new entry in `folder` durable. */
export const syncFolder = syncFile

/**
 * Gives `from`, already whole, its final name: fsync, mode (whatever the umask), rename, fsync of the folder.
 * Interrupted before the rename it leaves `from`; after it, the final file. Never half a file under the final name.
 */
export async function settle(from: string, to: string, mode: number = FILE_MODE): Promise<void> {
  await chmod(from, mode)
  await syncFile(from)
  await rename(from, to)
  await syncFolder(dirname(to))
}

/** Writes a small file as a whole; an interruption leaves the old one or the new one. */
export async function writeWhole(path: string, content: string | Uint8Array, mode: number = FILE_MODE): Promise<void> {
  const aside = `${path}.part`
  await rm(aside, { force: true })
  const handle = await open(aside, 'wx', FILE_MODE)
  try {
    await handle.writeFile(content)
  } finally {
    await handle.close()
  }
  await settle(aside, path, mode)
}

/** Who may read the snapshots: by the permissions of their files and of the way to them, and of nothing else. */
import { chmod, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Keeping } from '../keeping.ts'
import type { Lake } from '../lake.ts'

type Readers = Keeping['readers']

interface Modes {
  readonly folder: number
  readonly file: number
  /** Of the lake's own folder: what must be passed on the way, without seeing what is in it. */
  readonly passage: number
}

const MODES: Readonly<Record<Readers, Modes>> = {
  owner: { folder: 0o700, file: 0o600, passage: 0 },
  group: { folder: 0o750, file: 0o640, passage: 0o010 },
  everyone: { folder: 0o755, file: 0o644, passage: 0o011 },
}

export function fileMode(readers: Readers): number {
  return MODES[readers].file
}

/**
 * Brings all that is published to the setting, whatever the umask was. The database, the raw log and the rest of the lake
 * stay the owner's own. An interruption leaves part of it; the next publishing does it again.
 */
export async function permitReaders(lake: Lake, readers: Readers): Promise<void> {
  await permitPassage(lake.root, MODES[readers].passage)
  await permitFolder(lake.snapshots, readers)
  await setMode(lake.catalog, MODES[readers].file)
}

/** A folder and all in it. */
export async function permitFolder(folder: string, readers: Readers): Promise<void> {
  const { folder: folderMode, file } = MODES[readers]
  // Withdrawn from outside inwards; nobody gets at what is inside before the folder is theirs to pass.
  await setMode(folder, folderMode)
  const entries = await readdir(folder, { withFileTypes: true }).catch(absent)
  for (const entry of entries ?? []) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await permitFolder(path, readers)
    else if (entry.isFile()) await setMode(path, file)
  }
}

/**
 * The lake's folder may be the operator's, with modes of its own: what must be passed is added. It is taken away again only
 * where it is all that others have.
 */
async function permitPassage(root: string, passage: number): Promise<void> {
  const { mode } = await stat(root)
  const others = mode & 0o077
  const wanted = others === 0o010 || others === 0o011 ? (mode & ~0o077) | passage : mode | passage
  if (wanted !== mode) await chmod(root, wanted & 0o7777)
}

/** The bits that give a folder's group to what is made in it stay. */
async function setMode(path: string, wanted: number): Promise<void> {
  const found = await stat(path).catch(absent)
  if (found === undefined) return
  const mode = (found.mode & 0o7000) | wanted
  if ((found.mode & 0o7777) !== mode) await chmod(path, mode)
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}

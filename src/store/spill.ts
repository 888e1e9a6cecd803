/** Folders for what a query spills to disk, each named for its process: what a killed one left is found, and goes. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../core/durable.ts'
import { fateOfText, markText, ownMark } from './process-mark.ts'

/** A process of another host or container can't be asked whether it lives: its folder stays for so long. */
const FOREIGN_SPILL_MS = 24 * 3600_000

/** A reader's beside the worker's, which needs no lock on the lake. */
const QUERY = 'query-'

/** Where the worker and readers of a lake spill to. */
export function spillsIn(lake: string): string {
  return join(lake, 'temp')
}

/** The worker's own folder, which DuckDB makes and removes. @param opened which of the databases of this process */
export function workerSpill(lake: string, opened: number): string {
  return join(spillsIn(lake), `${markText(ownMark())}-${opened}`)
}

/** A folder for one query, for the owner alone; undefined for a reader that may not write to the lake. */
export async function makeQuerySpill(lake: string): Promise<string | undefined> {
  try {
    await makeFolder(spillsIn(lake))
    return await mkdtemp(join(spillsIn(lake), `${QUERY}${markText(ownMark())}-`))
  } catch {
    return undefined
  }
}

/** To be called with the lock in hand: then no other worker lives, wherever it ran. */
export async function clearWorkerSpills(lake: string): Promise<void> {
  const own = `${markText(ownMark())}-`
  await clear(lake, async (name) => !name.startsWith(QUERY) && !name.startsWith(own))
}

/** Removes what queries of processes that are no more have left. */
export async function clearQuerySpills(lake: string, now: Date): Promise<void> {
  await clear(lake, async (name, path) => {
    if (!name.startsWith(QUERY)) return false
    const fate = fateOfText(name.slice(QUERY.length)) ?? 'elsewhere'
    return fate === 'elsewhere' ? now.getTime() - (await stat(path)).mtimeMs > FOREIGN_SPILL_MS : fate === 'gone'
  })
}

async function clear(lake: string, isLeft: (name: string, path: string) => Promise<boolean>): Promise<void> {
  const folder = spillsIn(lake)
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    try {
      if (await isLeft(name, path)) await rm(path, { recursive: true, force: true })
    } catch (error) {
      // Ended just now, another user's, or of another host and not over after all: theirs to remove.
      if (!['ENOENT', 'ENOTEMPTY', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
    }
  }
}

/** Files of the raw log that nothing names: what an interruption left behind. */
import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'

/**
 * Removes what lies in a source's raw folder and is neither named by the ledger nor of a run under way, and the folders
 * that are empty then. @returns how many files went
 */
export async function removeOrphans(session: Session, lake: Lake, source: string): Promise<number> {
  const named = await session.rows<{ path: string }>(
    `SELECT DISTINCT unnest([f.raw_path, 'raw/' || r.source || '/' || r.run || '/' || f.file || '.rejects.ndjson']) AS path
     FROM stoker.file AS f JOIN stoker.run AS r USING (run)
     WHERE r.source = $1 AND r.committed_at IS NOT NULL AND (f.raw_path IS NOT NULL OR f.rejects > 0)`,
    [source],
  )
  const kept = new Set(named.map(({ path }) => lake.path(path ?? '')))
  const underWay = await session.rows<{ run: number }>(
    `SELECT run FROM stoker.run WHERE source = $1 AND state NOT IN ('done', 'failed')`,
    [source],
  )
  const busy = new Set(underWay.map(({ run }) => String(run)))
  const root = lake.path(join('raw', source))
  let removed = 0
  for (const { name: folder, isFolder } of await entries(root)) {
    if (busy.has(folder) || !isFolder) continue
    const path = join(root, folder)
    for (const { name } of await entries(path)) {
      if (kept.has(join(path, name))) continue
      await rm(join(path, name), { recursive: true, force: true })
      removed += 1
    }
    if ((await entries(path)).length === 0) await rmdir(path)
  }
  return removed
}

async function entries(folder: string): Promise<{ readonly name: string; readonly isFolder: boolean }[]> {
  try {
    const found = await readdir(folder, { withFileTypes: true })
    return found.map((each) => ({ name: each.name, isFolder: each.isDirectory() }))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

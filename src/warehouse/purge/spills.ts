/** What queries spilled to disk of the snapshots they read. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { clearQuerySpills, spillsIn } from '../../store/spill.ts'
import type { Lake } from '../lake.ts'

/** Removes what killed queries left. @returns how many that may still live have something there: it goes when they end */
export async function clearSpills(lake: Lake, now: Date): Promise<number> {
  await clearQuerySpills(lake.root, now)
  const root = spillsIn(lake.root)
  let left = 0
  for (const name of (await readdir(root).catch(() => [])).filter((each) => each.startsWith('query-'))) {
    if ((await readdir(join(root, name)).catch(() => [])).length > 0) left += 1
  }
  return left
}

/** Purging a lake: the steps of the warehouse, with what they publish and remove. */
import { stat } from 'node:fs/promises'
import { beginPurge, pursuePurge, type PurgeInput, type Purged } from '../warehouse/purge/purge.ts'
import { openPurge } from '../warehouse/purge/record.ts'
import { rewriteDatabase } from '../warehouse/purge/rewrite-database.ts'
import { removeLeftSnapshots, type LeftSnapshots } from '../warehouse/purge/snapshots.ts'
import type { PurgeSubject } from '../warehouse/purge/subject.ts'
import { publishSnapshot } from '../warehouse/snapshot/publish.ts'
import { removeSnapshots } from '../warehouse/snapshot/retention.ts'
import type { WorkerContext } from './context.ts'

export interface PurgeOptions {
  readonly keepsSnapshots: boolean
}

/**
 * Finishes the purge that was interrupted; without one, purges `subject`. Undefined where there was nothing to do; rewritten
 * where only the last step was left: whom it took is kept nowhere by then. The database must be closed at once afterwards:
 * its file is another.
 */
export async function purgeLake(
  context: WorkerContext,
  subject: PurgeSubject | undefined,
  { keepsSnapshots }: PurgeOptions,
): Promise<Purged | 'rewritten' | undefined> {
  const { database, ledger, lake, disk } = context
  const input = purgeInput(context)
  if ((await openPurge(ledger)) === undefined && subject !== undefined) await beginPurge(input, subject, keepsSnapshots)
  const open = await openPurge(ledger)
  if (open === undefined) return undefined
  const purged = open.subject === undefined ? 'rewritten' : await pursuePurge(input, { ...open, subject: open.subject })
  await disk.require('the database file, which is written anew', (await stat(lake.database)).size)
  await database.using((session) => rewriteDatabase(session, lake.database, open.purge))
  return purged
}

/** Removes the snapshots that earlier purges had to leave, because they were being read. */
export function finishPurges({ database, lake, clock }: WorkerContext): Promise<LeftSnapshots> {
  return removeLeftSnapshots(database, lake, clock.now())
}

export function purgeInput({ database, lake, disk, clock, views, keeping, stokerVersion }: WorkerContext): PurgeInput {
  const { readers } = keeping
  const now = clock.now()
  return {
    ...{ database, lake, disk, now },
    publish: async () => {
      const { snapshot } = await publishSnapshot(database, lake, views, undefined, now, { readers, stokerVersion })
      return snapshot
    },
    removeSnapshots: (numbers) => removeSnapshots(database, lake, numbers, now),
  }
}

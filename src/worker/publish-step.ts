/** The publishing of a committed run: readers see it from here on. */
import { lastSnapshot, pointCatalog, publishSnapshot, snapshotOfRun } from '../warehouse/snapshot.ts'
import type { RunContext } from './context.ts'

/** Done again after an interruption it only makes sure that the catalog is the newest one. @returns the snapshot */
export async function publishRun(context: RunContext): Promise<number> {
  const { database, lake, views, run, clock, ledger } = context
  const already = await snapshotOfRun(ledger, run)
  if (already !== undefined) {
    await pointCatalog(lake, (await lastSnapshot(ledger)) ?? already)
    return already
  }
  const { snapshot, tables } = await publishSnapshot(database, lake, views, run, clock.now(), context.signal)
  const carriedOver = tables.filter((table) => table.carriedOver).length
  context.tell({ kind: 'published', snapshot, tables: tables.length, carriedOver })
  return snapshot
}

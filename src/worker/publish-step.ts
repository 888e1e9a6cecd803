/** The publishing of a committed run, and of tables that changed without one: readers see it from here on. */
import { removeLeftSnapshots } from '../warehouse/purge/snapshots.ts'
import { finishPublishing, publishSnapshot, type Snapshot } from '../warehouse/snapshot/publish.ts'
import { isPublished, lastSnapshot, snapshotOfRun } from '../warehouse/snapshot/records.ts'
import type { RunContext, WorkerContext } from './context.ts'

/** Done again after an interruption it only makes sure that the catalog is the newest one. @returns the snapshot */
export async function publishRun(context: RunContext): Promise<number> {
  const { ledger, run } = context
  const already = await snapshotOfRun(ledger, run)
  if (already !== undefined) {
    await finish(context, (await lastSnapshot(ledger)) ?? already)
    return already
  }
  const { snapshot, tables } = await publish(context, run)
  const carriedOver = tables.filter((table) => table.carriedOver).length
  context.tell({ kind: 'published', snapshot, tables: tables.length, carriedOver })
  return snapshot
}

/** Publishes the view tables as they stand. @returns the snapshot; undefined when the newest one has them already */
export async function publishTables(context: WorkerContext): Promise<number | undefined> {
  const last = await lastSnapshot(context.ledger)
  if (!(await isPublished(context.ledger, last))) return (await publish(context, undefined)).snapshot
  if (last !== undefined) await finish(context, last)
  return undefined
}

async function publish(context: WorkerContext, run: number | undefined): Promise<Snapshot> {
  const { database, lake, views, clock, keeping, stokerVersion, signal, log } = context
  const { snapshots, readers } = keeping
  const options = { snapshots, readers, stokerVersion, signal }
  const published = await publishSnapshot(database, lake, views, run, clock.now(), options)
  // A purge had to leave them while somebody read them.
  await removeLeftSnapshots(database, lake, clock.now())
  if (published.removed.length > 0) log.info({ snapshots: published.removed }, 'old snapshots removed')
  return published
}

async function finish({ database, lake, clock, keeping }: WorkerContext, newest: number): Promise<void> {
  await finishPublishing(database, lake, newest, clock.now(), keeping)
}

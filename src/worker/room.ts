/** Room on the lake's disk: what the steps of a run need of it, asked for before they begin and looked at while they write. */
import { filesOf } from '../ledger/files.ts'
import type { RunContext, WorkerContext } from './context.ts'

export interface Need {
  /** As in "no room for …". */
  readonly what: string
  /** About what will be written. */
  readonly bytes: number
}

/**
 * Runs `work` where there is room for it, with a signal that aborts as soon as there is no more; DuckDB spills no more
 * than may be written now.
 * @throws StokerError DISK_LOW before or while it runs
 */
export async function withRoom<C extends Pick<WorkerContext, 'disk' | 'database' | 'signal'>, T>(
  context: C,
  need: Need,
  work: (context: C) => Promise<T>,
): Promise<T> {
  const { disk, database } = context
  await disk.require(need.what, need.bytes)
  await database.limitSpill(await disk.room())
  return disk.watch(need.what, context.signal, (signal) => work({ ...context, signal }))
}

/** A raw log file of so much NDJSON: zstd makes a half of it at worst, a thirteenth of what Synthea writes. */
export function landingNeed(type: string, bytes: number): Need {
  return { what: `the raw log of ${type}`, bytes: bytes / 2 }
}

/** A fifth of what came, for rows, index and what is spilled: a guess; what falls short of it is noticed while it is written. */
export async function mergeNeed({ ledger, run }: RunContext): Promise<Need> {
  return { what: 'the merge', bytes: (await receivedBytes(ledger, run)) / 5 }
}

/** The tables that have changed, as large as they were in the last snapshot, and what the run brought. */
export async function publishNeed({ ledger, run }: RunContext): Promise<Need> {
  const changed = await ledger.first<{ bytes: number | null }>(`
    SELECT sum(bytes)::BIGINT AS bytes FROM stoker.snapshot_table AS old JOIN stoker.view_table AS now USING (name)
    WHERE old.snapshot = (SELECT max(snapshot) FROM stoker.snapshot) AND old.changed <> now.changed`)
  return { what: 'a snapshot', bytes: (changed?.bytes ?? 0) + (await receivedBytes(ledger, run)) / 20 }
}

async function receivedBytes(ledger: RunContext['ledger'], run: number): Promise<number> {
  return (await filesOf(ledger, run)).reduce((sum, file) => sum + (file.bytes ?? 0), 0)
}

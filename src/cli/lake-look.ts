/** A look into a lake: at its database or, while a worker holds that, at the newest snapshot. */
import { access } from 'node:fs/promises'
import { StokerError } from '../core/errors.ts'
import type { Ask } from '../ledger/run-details.ts'
import { Database } from '../store/database.ts'
import type { Lake } from '../warehouse/lake.ts'
import { SnapshotReader } from '../warehouse/reader.ts'

export interface Look {
  /** False while a worker holds the database: then what is asked for is what the newest snapshot knows. */
  readonly live: boolean
  /** Who holds it, such as `PID 12`, as far as it is known. */
  readonly holder: string
  readonly ask: Ask
}

/**
 * @throws StokerError STATUS_NO_LAKE when there is none, STORE_LOCKED when a worker holds it and nothing was published yet
 */
export async function lookInto<T>(lake: Lake, memoryLimitBytes: number, work: (look: Look) => Promise<T>): Promise<T> {
  await access(lake.database).catch((cause: unknown) => {
    throw new StokerError('STATUS_NO_LAKE', `there is no lake in ${lake.root} yet`, {
      hint: 'run stoker sync first, or check the lake folder in the configuration',
      cause,
    })
  })
  let database: Database
  try {
    database = await Database.open({ path: lake.database, memoryLimitBytes, readOnly: true })
  } catch (error) {
    if (!(error instanceof StokerError) || error.code !== 'STORE_LOCKED') throw error
    return lookAtSnapshot(lake, memoryLimitBytes, error, work)
  }
  try {
    return await database.using((session) => work({ live: true, holder: '', ask: (sql) => session.rows(sql) }))
  } finally {
    database.close()
  }
}

async function lookAtSnapshot<T>(
  lake: Lake,
  memoryLimitBytes: number,
  locked: StokerError,
  work: (look: Look) => Promise<T>,
): Promise<T> {
  const reader = await SnapshotReader.open(lake, memoryLimitBytes).catch((cause: unknown) => {
    if (!(cause instanceof StokerError) || cause.code !== 'QUERY_NO_SNAPSHOT') throw cause
    throw new StokerError('STORE_LOCKED', `${locked.message}, and nothing is published yet`, {
      retryable: true,
      ...(locked.hint !== undefined && { hint: locked.hint }),
      facts: locked.facts,
      cause: locked,
    })
  })
  try {
    return await work({ live: false, holder: holderOf(locked), ask: async (sql) => (await reader.rows(sql)) as never })
  } finally {
    await reader.close()
  }
}

function holderOf({ facts }: StokerError): string {
  const pid = facts.workerPid ?? facts.lockPid
  return pid === undefined ? 'another process' : `PID ${pid}`
}

/** Said above what is read from a snapshot. */
export function snapshotNotice({ live, holder }: Pick<Look, 'live' | 'holder'>): string {
  return live ? '' : `The database is held by ${holder} now: what follows is as of the newest snapshot.\n\n`
}

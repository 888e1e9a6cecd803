/** A look into a lake: at its database or, where that can not be opened now, at the newest snapshot. */
import { access, constants } from 'node:fs/promises'
import { StokerError } from '../core/errors.ts'
import {
  ledgerQuestions,
  snapshotQuestions,
  type LedgerQuestions,
  type SnapshotQuestions,
} from '../http/ledger-question.ts'
import type { Ask } from '../ledger/run-details.ts'
import { Database } from '../store/database.ts'
import type { Lake } from '../warehouse/lake.ts'
import { SnapshotReader } from '../warehouse/reading/reader.ts'
import { isMissing } from './lake-option.ts'
import { WorkerClient } from './worker-client.ts'

export interface Look {
  /** False where the database can not be read: then what is asked for is what the newest snapshot knows. */
  readonly live: boolean
  /** Why it can not; undefined where it can. */
  readonly shut: ShutDatabase | undefined
  readonly ask: Ask
}

/** A database that nobody, or not this user, can read now. */
export interface ShutDatabase {
  /** STORE_LOCKED, STORE_FORBIDDEN or STORE_MISSING. */
  readonly code: string
  /** A sentence without its full stop. */
  readonly why: string
  /** To follow "is in the database". */
  readonly which: string
  readonly wayOut: string
  /** As it is to be told where there is no snapshot either. */
  readonly error: StokerError
}

/** @throws StokerError the code of {@link ShutDatabase} when the database is shut and nothing was published yet */
export async function lookInto<T>(lake: Lake, memoryLimitBytes: number, work: (look: Look) => Promise<T>): Promise<T> {
  let shut = await withoutRights(lake)
  let database: Database | undefined
  try {
    if (shut === undefined) database = await Database.open({ path: lake.database, memoryLimitBytes, readOnly: true })
  } catch (error) {
    if (!(error instanceof StokerError) || error.code !== 'STORE_LOCKED') throw error
    shut = locked(error)
  }
  if (database === undefined) return lookAtSnapshot(lake, memoryLimitBytes, shut!, work)
  try {
    return await database.using((session) => work({ live: true, shut, ask: (sql) => session.rows(sql) }))
  } finally {
    database.close()
  }
}

/** A look at the ledger: at the live one, in the database or told by the worker that holds it, or at the newest snapshot. */
export type LedgerLook =
  | { readonly live: true; readonly shut: undefined; readonly ledger: LedgerQuestions }
  | { readonly live: false; readonly shut: ShutDatabase; readonly ledger: SnapshotQuestions }

/** @throws StokerError as {@link lookInto}, and what the worker tells */
export async function lookIntoLedger<T>(
  lake: Lake,
  memoryLimitBytes: number,
  work: (look: LedgerLook) => Promise<T>,
): Promise<T> {
  const worker = await WorkerClient.find(lake)
  if (worker !== undefined) return work({ live: true, shut: undefined, ledger: worker.ledger })
  return lookInto(lake, memoryLimitBytes, ({ shut, ask }) =>
    shut === undefined
      ? work({ live: true, shut, ledger: ledgerQuestions(ask) })
      : work({ live: false, shut, ledger: snapshotQuestions(ask) }),
  )
}

/** Asked of the system before DuckDB opens it: DuckDB's error does not tell one from another. */
async function withoutRights({ database, root }: Lake): Promise<ShutDatabase | undefined> {
  if (await isMissing(database)) {
    const why = 'This lake has snapshots and no database'
    const wayOut = 'look where stoker sync writes'
    const error = new StokerError('STORE_MISSING', `there is no database in ${root}`, { hint: wayOut })
    return { code: error.code, why, which: 'which is not here', wayOut, error }
  }
  const { code } = await access(database, constants.R_OK).then(
    () => ({ code: undefined }),
    (error: NodeJS.ErrnoException) => error,
  )
  if (code !== 'EACCES' && code !== 'EPERM') return undefined
  const why = 'This user may not read the database'
  const wayOut = 'ask as the user who runs stoker sync'
  const error = new StokerError('STORE_FORBIDDEN', `this user may not read ${database}`, { hint: wayOut })
  return { code: error.code, why, which: 'which this user may not read', wayOut, error }
}

function locked(error: StokerError): ShutDatabase {
  const pid = error.facts.workerPid ?? error.facts.lockPid
  const holder = pid === undefined ? 'another process' : `PID ${pid}`
  const why = `The database is held by ${holder} now`
  // A worker runs until somebody ends it, and would have been asked if it listened.
  const isWorker = String(error.facts.workerCommand ?? '').startsWith('stoker worker')
  const wayOut = isWorker
    ? 'stop that worker, or let it answer such questions (listen in its configuration)'
    : 'wait until it ends'
  return { code: error.code, why, which: `which ${holder} holds`, wayOut, error }
}

async function lookAtSnapshot<T>(
  lake: Lake,
  memoryLimitBytes: number,
  shut: ShutDatabase,
  work: (look: Look) => Promise<T>,
): Promise<T> {
  const reader = await SnapshotReader.open(lake, memoryLimitBytes).catch((cause: unknown) => {
    if (!(cause instanceof StokerError) || cause.code !== 'QUERY_NO_SNAPSHOT') throw cause
    const { code, message, hint, facts, retryable } = shut.error
    throw new StokerError(code, `${message}, and nothing is published yet`, {
      retryable,
      ...(hint !== undefined && { hint }),
      facts,
      cause: shut.error,
    })
  })
  try {
    return await work({ live: false, shut, ask: async (sql) => (await reader.rows(sql)) as never })
  } finally {
    await reader.close()
  }
}

/** Said above what is read from a snapshot. */
export function snapshotNotice({ shut }: Pick<Look, 'shut'>): string {
  return shut === undefined ? '' : `${shut.why}: what follows is as of the newest snapshot.\n\n`
}

/**
 * For what the newest snapshot does not tell.
 * @param what is in the database, and would have been the answer
 */
export function notInSnapshot({ code, which, wayOut }: ShutDatabase, message: string, what: string): StokerError {
  return new StokerError(code, message, {
    retryable: code === 'STORE_LOCKED',
    hint: `${what} is in the database, ${which}: ${wayOut}`,
  })
}

/** The tables of a past run that a data set reads, made for it alone: as `stoker rebuild --as-of` makes them. */
import { StokerError } from '../../core/errors.ts'
import { nearestName } from '../../core/nearest-name.ts'
import { Database } from '../../store/database.ts'
import { definitionsOf } from '../../warehouse/tables/definitions.ts'
import type { Lake } from '../../warehouse/lake.ts'
import { writePast } from '../../warehouse/past/past-folder.ts'
import { pastCommit } from '../../warehouse/past/past.ts'

export interface PastOptions {
  /** Where to; it must not exist. */
  readonly folder: string
  /** Names of the tables that are read. */
  readonly tables: readonly string[]
  readonly memoryLimitBytes: number
  readonly stokerVersion: string
  readonly signal?: AbortSignal | undefined
  readonly onTable?: ((name: string) => void) | undefined
}

/**
 * @param when a run's number or a time
 * @returns the folder
 * @throws StokerError STORE_LOCKED while a worker writes, PAST_UNKNOWN, PAST_FORGOTTEN, DATASET_TABLE
 */
export async function makePastTables(lake: Lake, when: string, options: PastOptions): Promise<string> {
  const { folder, tables, memoryLimitBytes, stokerVersion, signal, onTable } = options
  const database = await Database.open({ path: lake.database, memoryLimitBytes, readOnly: true })
  try {
    await database.using((session) =>
      session.interruptible(signal, async () => {
        const commit = await pastCommit(session, when)
        const views = await definitionsOf(session, commit.run, commit.asked)
        const names = views.map((view) => view.name)
        const missing = tables.find((name) => !names.includes(name))
        if (missing !== undefined) {
          const nearest = nearestName(missing, names)
          throw new StokerError('DATASET_TABLE', `there was no table ${missing} as of ${when}`, {
            hint: nearest === undefined ? `there were ${names.join(', ')}` : `did you mean ${nearest}?`,
          })
        }
        const wanted = views.filter((view) => tables.includes(view.name))
        await writePast(session, lake, wanted, commit, { folder, stokerVersion, onTable })
      }),
    )
    return folder
  } finally {
    database.close()
  }
}

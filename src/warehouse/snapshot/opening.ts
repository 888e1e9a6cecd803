/** Finding a snapshot to read, and holding it. */
import { access, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../../core/errors.ts'
import { foreseen } from '../../core/system-error.ts'
import { readCatalog, type CatalogTable } from './catalog.ts'
import type { Lake } from '../lake.ts'
import { Lease } from './leases.ts'

interface FoundSnapshot {
  readonly number: number
  readonly folder: string
  /** With their files where they are now. */
  readonly tables: readonly CatalogTable[]
}

/** The newest one may be superseded and removed between the look for it and the lease: then it is looked for again. */
const TRIES = 3

/**
 * Opens a snapshot under a lease, which is released when `open` fails, and by whoever got it otherwise.
 * @param wanted its number; the newest one where it is undefined
 * @throws StokerError QUERY_NO_SNAPSHOT when nothing was published yet, or the one wanted is not there.
 */
export async function withSnapshot<T>(
  lake: Lake,
  wanted: number | undefined,
  open: (found: FoundSnapshot, lease: Lease | undefined) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const number = wanted ?? (await newestSnapshot(lake))
    const folder = lake.snapshot(number)
    const lease = await Lease.take(lake, number)
    try {
      const catalog = join(folder, 'catalog.duckdb')
      await mustBeThere(catalog, () => noSuchSnapshot(lake, number))
      const tables = await readCatalog(catalog)
      const here = (file: string) => join(folder, file.replace(SNAPSHOT, ''))
      return await open({ number, folder, tables: tables.map((t) => ({ ...t, files: here(t.files) })) }, lease)
    } catch (error) {
      await lease?.release()
      const isThere = await access(folder).then(
        () => true,
        () => false,
      )
      if (isThere || wanted !== undefined || tries === TRIES) throw error
    }
  }
}

async function newestSnapshot(lake: Lake): Promise<number> {
  await mustBeThere(lake.catalog, (cause) =>
    Promise.resolve(
      new StokerError('QUERY_NO_SNAPSHOT', `there is no snapshot in ${lake.root} yet`, {
        hint: 'run stoker sync first, or name the lake that has been synced',
        cause,
      }),
    ),
  )
  const [table] = await readCatalog(lake.catalog)
  return Number(SNAPSHOT.exec(table?.files ?? '')?.[1] ?? 0)
}

async function noSuchSnapshot(lake: Lake, number: number): Promise<StokerError> {
  const names = (await readdir(lake.snapshots).catch(() => [])).filter((name) => /^\d+$/.test(name))
  const there = names.map(Number).sort((a, b) => a - b)
  return new StokerError('QUERY_NO_SNAPSHOT', `there is no snapshot ${number} in ${lake.root}`, {
    hint: there.length === 0 ? 'run stoker sync first' : `there are: ${there.join(', ')}`,
    facts: { snapshot: number },
  })
}

/** A file that is there and may not be read is another matter, told as such. */
async function mustBeThere(path: string, otherwise: (cause: unknown) => Promise<StokerError>): Promise<void> {
  try {
    await access(path)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw await otherwise(cause)
    throw foreseen(cause)
  }
}

/** The part of a table's path up to its snapshot. */
const SNAPSHOT = /^.*[\\/]snapshots[\\/](\d+)[\\/]/

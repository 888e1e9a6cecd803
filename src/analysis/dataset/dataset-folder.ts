/** The folder of a data set: made aside, and there as a whole or not at all; what a killed build left beside it goes. */
import { access, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { makeFolder, syncFolder } from '../../core/durable.ts'
import { StokerError } from '../../core/errors.ts'
import { fateOfText, markText, ownMark } from '../../store/process-mark.ts'

export interface WorkFolder {
  /** What becomes the data set. */
  readonly files: string
  /** For what does not fit into memory. */
  readonly spill: string
  /** For past tables that are made first; not there yet. */
  readonly past: string
}

/**
 * Runs `work`, whose files then are the folder's. Interrupted, it leaves nothing; killed, `FOLDER.part-…`, private and
 * removed by the next build to the same place.
 * @throws StokerError USAGE_FOLDER when there is something in the place of the folder
 */
export async function withWorkFolder<T>(folder: string, work: (place: WorkFolder) => Promise<T>): Promise<T> {
  await refuseExisting(folder)
  await makeFolder(dirname(folder))
  await clearLeftovers(folder)
  const aside = `${folder}${PART}${markText(ownMark())}`
  const place = { files: join(aside, 'files'), spill: join(aside, 'spill'), past: join(aside, 'past') }
  try {
    await makeFolder(place.files)
    await makeFolder(place.spill)
    const answer = await work(place)
    await syncFolder(place.files)
    await refuseExisting(folder)
    await rename(place.files, folder)
    await syncFolder(dirname(folder))
    return answer
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
}

const PART = '.part-'

async function clearLeftovers(folder: string): Promise<void> {
  const begin = `${basename(folder)}${PART}`
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(begin) || fateOfText(name.slice(begin.length)) !== 'gone') continue
    await rm(join(dirname(folder), name), { recursive: true, force: true })
  }
}

async function refuseExisting(folder: string): Promise<void> {
  const isThere = await access(folder).then(
    () => true,
    () => false,
  )
  if (!isThere) return
  throw new StokerError('USAGE_FOLDER', `there is something at ${basename(folder)} already`, {
    hint: 'name a folder that does not exist: nothing is written over',
  })
}

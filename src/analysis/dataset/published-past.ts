/** The tables of a past run as they were published: what can be had of the past while a worker holds the database. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../../core/errors.ts'
import { sqlText } from '../../core/sql.ts'
import type { Lake } from '../../warehouse/lake.ts'
import { instantOf } from '../../warehouse/past/past.ts'
import { SnapshotReader } from '../../warehouse/reading/reader.ts'
import type { SnapshotManifest } from '../../warehouse/snapshot/manifest.ts'

export interface PublishedPast {
  readonly snapshot: number
  readonly run: number
  readonly source: string
  readonly committed_at: string
}

interface Published {
  readonly snapshot: number
  readonly run: number | null
  readonly publishedAt: string
}

/**
 * The snapshot that the run published has the tables as the run left them, bit for bit, for as long as it stays.
 * @param when a run's number or a time, as `stoker rebuild --as-of` takes it
 * @param locked what is thrown where there is no such snapshot, with the snapshots there are
 */
export async function publishedPast(
  lake: Lake,
  when: string,
  memoryLimitBytes: number,
  locked: StokerError,
): Promise<PublishedPast> {
  const isRun = /^\d+$/.test(when)
  const asked = isRun ? undefined : instantOf(when)
  const wanted = asked === undefined ? `run = ${when}` : `committed_at <= ${sqlText(asked.toISOString())}::TIMESTAMPTZ`
  const reader = await SnapshotReader.open(lake, memoryLimitBytes)
  try {
    const [found] = await reader.rows<Omit<PublishedPast, 'snapshot'>>(
      `SELECT run, source, strftime(committed_at, '%Y-%m-%dT%H:%M:%S.%gZ') AS committed_at FROM stoker.run
       WHERE commit_number IS NOT NULL AND ${wanted} ORDER BY commit_number DESC LIMIT 1`,
    )
    const there = await published(lake)
    const own = there.find(({ run }) => run !== null && run === found?.run)
    // What was committed since, and is being published now, is in no snapshot yet.
    const told = there.find(({ snapshot }) => snapshot === reader.snapshot)
    if (asked !== undefined && told !== undefined && asked > new Date(told.publishedAt))
      throw new StokerError(
        'STORE_LOCKED',
        `${locked.message}; ${when} is after the newest snapshot, ${told.snapshot}`,
        {
          retryable: true,
          hint: `a run may have been committed since ${told.publishedAt}, which only the worker knows: ${
            own === undefined ? 'name a run' : `name the run, ${own.run}`
          }, or the newest snapshot, or an earlier time`,
          facts: locked.facts,
          cause: locked,
        },
      )
    // Tables made anew in between, by other views: what was asked for is not what the run published.
    const isLater = ({ run, snapshot, publishedAt }: Published) =>
      run === null && snapshot > own!.snapshot && new Date(publishedAt) <= asked!
    if (found !== undefined && own !== undefined && (asked === undefined || !there.some(isLater)))
      return { snapshot: own.snapshot, ...found }
    const runs = there.flatMap(({ run }) => run ?? []).join(', ')
    throw new StokerError('STORE_LOCKED', `${locked.message}; no snapshot that is left has the tables as of ${when}`, {
      retryable: true,
      hint: `snapshots of these runs are left, and can be named: ${runs}; for others stop the worker, which ends within seconds, and build it then`,
      facts: locked.facts,
      cause: locked,
    })
  } finally {
    await reader.close()
  }
}

async function published(lake: Lake): Promise<Published[]> {
  const names = (await readdir(lake.snapshots)).filter((name) => /^\d+$/.test(name)).sort()
  const all = names.map(async (name) => {
    const text = await readFile(join(lake.snapshots, name, 'manifest.json'), 'utf8').catch(() => undefined)
    if (text === undefined) return []
    const { snapshot, run, published_at } = JSON.parse(text) as SnapshotManifest
    return [{ snapshot, run, publishedAt: String(published_at) }]
  })
  return (await Promise.all(all)).flat()
}

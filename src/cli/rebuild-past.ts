/** `stoker rebuild --as-of`: the tables of a past run, in a folder of their own. */
import { resolve } from 'node:path'
import { loadConfig } from '../app/config.ts'
import { underLifecycle } from '../app/lifecycle.ts'
import { bytesText, countText, plural } from '../core/figures.ts'
import { STOKER_VERSION } from '../app/version.ts'
import { configuredViews } from '../app/worker-context.ts'
import { Database } from '../store/database.ts'
import type { Session } from '../store/session.ts'
import { definitionsOf, pastView, type PastView } from '../warehouse/tables/definitions.ts'
import { writePast, type PastFolder } from '../warehouse/past/past-folder.ts'
import { pastCommit } from '../warehouse/past/past.ts'
import { EXIT } from './exit-code.ts'
import { jsonText } from './json-text.ts'
import { lakeOf } from './lake-option.ts'
import { tableProgress } from './table-progress.ts'
import { textTable } from './text-table.ts'
import { refuseUnknownViews } from './view-argument.ts'

export interface PastOptions {
  readonly config: string
  readonly asOf: string
  readonly to: string
  readonly currentViews?: true | undefined
  readonly json?: true | undefined
}

/** @param names of tables; all of them when none is given */
export async function rebuildPast(options: PastOptions, names: readonly string[]): Promise<number> {
  const config = await loadConfig(options.config)
  const { lake } = await lakeOf({ config: options.config })
  const { memoryLimitBytes, threads } = config
  const stopping = () => process.stderr.write('\nstopping: no folder is made\n')
  return underLifecycle(stopping, async (signal) => {
    const database = await Database.open({ path: lake.database, memoryLimitBytes, threads, readOnly: true })
    try {
      const make = (session: Session) => session.interruptible(signal, () => makePast(session))
      const past = await database.using(make)
      process.stdout.write(options.json ? jsonText(pastJson(past)) : pastText(past))
      return EXIT.done
    } finally {
      database.close()
    }
  })

  async function makePast(session: Session): Promise<PastFolder> {
    const commit = await pastCommit(session, options.asOf)
    const views = options.currentViews
      ? (await configuredViews(config)).map(pastView)
      : await definitionsOf(session, commit.run, commit.asked)
    return writePast(session, lake, chosen(views, names), commit, {
      folder: resolve(options.to),
      stokerVersion: STOKER_VERSION,
      onTable: tableProgress('making'),
    })
  }
}

function chosen(views: readonly PastView[], names: readonly string[]): readonly PastView[] {
  refuseUnknownViews(
    names,
    views.map((view) => view.name),
  )
  return names.length === 0 ? views : views.filter((view) => names.includes(view.name))
}

function pastJson({ folder, commit: { run, source, committedAt, purgesSince }, tables }: PastFolder): object {
  return { folder, as_of: { run, source, committed_at: committedAt, purges_since: purgesSince }, tables }
}

function pastText({ folder, commit: { run, source, committedAt, purgesSince }, tables }: PastFolder): string {
  const table = textTable(
    [{ head: 'table' }, { head: 'rows', align: 'right' }, { head: 'size', align: 'right' }],
    tables.map(({ name, rows, bytes }) => [name, countText(rows), bytesText(bytes)]),
  )
  const when = `as run ${run} (${source}) left them at ${committedAt.toISOString()}`
  const purged =
    purgesSince === 0 ? '' : `without what was purged since (${plural(purgesSince, 'purge')}: stoker status)\n`
  return `${table}\nthe tables ${when}\n${purged}catalog  ${folder}/catalog.duckdb\nparquet  ${folder}\n`
}

/** `stoker rebuild --as-of`: the tables of a past run, in a folder of their own. */
import { resolve } from 'node:path'
import { loadConfig } from '../app/config.ts'
import { startLifecycle } from '../app/lifecycle.ts'
import { STOKER_VERSION } from '../app/version.ts'
import { configuredViews } from '../app/worker-context.ts'
import { Database } from '../store/database.ts'
import { definitionsOf, pastView, type PastView } from '../warehouse/definitions.ts'
import { Lake } from '../warehouse/lake.ts'
import { writePast, type PastFolder } from '../warehouse/past-folder.ts'
import { pastCommit } from '../warehouse/past.ts'
import { bytesText, countText } from './figures.ts'
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
  const lake = new Lake(config.lake)
  const { memoryLimitBytes, threads } = config
  const lifecycle = startLifecycle(() => process.stderr.write('\nstopping: no folder is made\n'))
  const database = await Database.open({ path: lake.database, memoryLimitBytes, threads, readOnly: true })
  try {
    const past = await database.using((session) =>
      session.interruptible(lifecycle.signal, async () => {
        const commit = await pastCommit(session, options.asOf)
        const views = options.currentViews
          ? (await configuredViews(config)).map(pastView)
          : await definitionsOf(session, commit.run, commit.asked)
        return writePast(session, lake, chosen(views, names), commit, {
          folder: resolve(options.to),
          stokerVersion: STOKER_VERSION,
          onTable: tableProgress('making'),
        })
      }),
    )
    process.stdout.write(options.json ? `${JSON.stringify(pastJson(past), null, 2)}\n` : pastText(past))
    return 0
  } finally {
    database.close()
    lifecycle.dispose()
  }
}

function chosen(views: readonly PastView[], names: readonly string[]): readonly PastView[] {
  refuseUnknownViews(
    names,
    views.map((view) => view.name),
  )
  return names.length === 0 ? views : views.filter((view) => names.includes(view.name))
}

function pastJson({ folder, commit: { run, source, committedAt }, tables }: PastFolder): object {
  return { folder, as_of: { run, source, committed_at: committedAt }, tables }
}

function pastText({ folder, commit: { run, source, committedAt }, tables }: PastFolder): string {
  const table = textTable(
    [{ head: 'table' }, { head: 'rows', align: 'right' }, { head: 'size', align: 'right' }],
    tables.map(({ name, rows, bytes }) => [name, countText(rows), bytesText(bytes)]),
  )
  const when = `as run ${run} (${source}) left them at ${committedAt.toISOString()}`
  return `${table}\nthe tables ${when}\ncatalog  ${folder}/catalog.duckdb\nparquet  ${folder}\n`
}

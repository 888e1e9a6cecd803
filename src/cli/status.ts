/** `stoker status`: sources, watermarks, last runs. */
import { Command } from 'commander'
import { access } from 'node:fs/promises'
import { sourceNames } from '../app/config-lake.ts'
import { formerSources, formerText, LAKE_SOURCES_SQL, type LakeSource } from '../app/former-sources.ts'
import { StokerError } from '../core/errors.ts'
import { overview, OVERVIEW_SQL, type Overview, type Remark, type TypeOverview } from '../ledger/overview.ts'
import type { RunRecord } from '../ledger/runs.ts'
import { Database } from '../store/database.ts'
import type { Lake } from '../warehouse/lake.ts'
import { SnapshotReader } from '../warehouse/reader.ts'
import { countText, durationText, plural } from './figures.ts'
import { findingText, lossText } from './finding-text.ts'
import { lakeOf, withLakeOptions, type LakeOptions } from './lake-option.ts'
import type { Action } from './action.ts'
import { textTable } from './text-table.ts'

export function statusCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('status')
    .description('what each source holds, up to when, and how the last runs ended')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  stoker status
  stoker status --lake /data/lake --json`,
    )
    .action((_options, self: Command) =>
      perform(async () => {
        const options = self.opts<LakeOptions & { json?: true }>()
        const { lake, memoryLimitBytes } = await lakeOf(options)
        const { sources, ...seen } = await look(lake, memoryLimitBytes)
        const configured = options.lake === undefined ? await sourceNames(options.config) : undefined
        const status = { ...seen, former: configured === undefined ? [] : formerSources(sources, configured) }
        process.stdout.write(
          options.json ? `${JSON.stringify({ lake: lake.root, ...status }, null, 2)}\n` : statusText(lake, status),
        )
        return 0
      }),
    )
  return withLakeOptions(command)
}

interface Seen extends Overview {
  /** False while a worker holds the database: then this is what the newest snapshot knows. */
  readonly live: boolean
  readonly sources: readonly LakeSource[]
}

interface Status extends Omit<Seen, 'sources'> {
  /** Sources that the configuration no longer has; none where no configuration is read. */
  readonly former: readonly string[]
}

async function look(lake: Lake, memoryLimitBytes: number): Promise<Seen> {
  try {
    await access(lake.database)
  } catch (cause) {
    throw new StokerError('STATUS_NO_LAKE', `there is no lake in ${lake.root} yet`, {
      hint: 'run stoker sync first, or check the lake folder in the configuration',
      cause,
    })
  }
  let database: Database
  try {
    database = await Database.open({ path: lake.database, memoryLimitBytes, readOnly: true })
  } catch (error) {
    if (!(error instanceof StokerError) || error.code !== 'STORE_LOCKED') throw error
    const published = await snapshotOverview(lake, memoryLimitBytes).catch((cause: unknown) => {
      // The first sync is under way: there is nothing to read yet, and nothing wrong.
      if (!(cause instanceof StokerError) || cause.code !== 'QUERY_NO_SNAPSHOT') throw cause
      return { types: [], runs: [], remarks: [], sources: [] }
    })
    return { live: false, ...published }
  }
  try {
    const sources = await database.using((session) => session.rows<LakeSource>(LAKE_SOURCES_SQL))
    return { live: true, sources, ...(await database.using(overview)) }
  } finally {
    database.close()
  }
}

async function snapshotOverview(lake: Lake, memoryLimitBytes: number): Promise<Omit<Seen, 'live'>> {
  const reader = await SnapshotReader.open(lake, memoryLimitBytes)
  try {
    return {
      sources: (await reader.rows(LAKE_SOURCES_SQL)) as unknown as LakeSource[],
      types: (await reader.rows(OVERVIEW_SQL.types)) as unknown as TypeOverview[],
      runs: (await reader.rows(OVERVIEW_SQL.runs)) as unknown as RunRecord[],
      remarks: (await reader.rows(OVERVIEW_SQL.remarks)) as unknown as Remark[],
    }
  } finally {
    await reader.close()
  }
}

function statusText(lake: Lake, { live, types, runs, remarks, former }: Status): string {
  const parts = [`lake     ${lake.root}`, `catalog  ${lake.catalog}`]
  if (!live) parts.push('A worker is writing to this lake now: what follows is as of the newest snapshot.')
  if (!live && runs.length === 0) return `${parts.join('\n')}\nNothing is published yet.\n`
  const held = textTable(
    [
      { head: 'source' },
      { head: 'type' },
      { head: 'resources', align: 'right' },
      { head: 'deletions', align: 'right' },
      { head: 'watermark' },
    ],
    types.map(({ source, type, resources, deleted, watermark }) => [
      source,
      type,
      countText(resources),
      countText(deleted),
      watermark?.toISOString() ?? 'none: the next run asks for everything',
    ]),
  )
  const last = textTable(
    ['run', 'source', 'mode', 'state', 'started', 'took', ''].map((head) => ({ head })),
    runs.map((run) => {
      const ended = run.ended_at ?? run.committed_at
      return [
        run.run,
        run.source,
        run.mode,
        run.state,
        run.started_at.toISOString(),
        ended === null ? '' : durationText(ended.getTime() - run.started_at.getTime()),
        run.error_message ?? '',
      ]
    }),
  )
  return `${parts.join('\n')}\n\n${held}\n${last}${remarks.map(remarkText).join('')}${former.map((source) => `${formerText(source)}\n`).join('')}`
}

function remarkText({ source, run, kind, type, what, count }: Remark): string {
  const begin = `${source} run ${run}: `
  switch (kind) {
    case 'held':
      return `${begin}${type} is held back: ${what}\n`
    case 'message':
      return `${begin}the server reported ${plural(count, 'issue')} (${what})\n`
    case 'finding':
      return `${begin}${findingText({ code: what, count, type })}\n`
    case 'loss':
      return `${begin}${lossText({ place: type ?? '', wanted: what, count })}\n`
  }
}

/** `stoker status`: sources, watermarks, last runs. */
import { Command } from 'commander'
import { sourceNames } from '../app/config-lake.ts'
import { formerSources, formerText, LAKE_SOURCES_SQL, type LakeSource } from '../app/former-sources.ts'
import { StokerError } from '../core/errors.ts'
import { overview, type Overview, type Remark } from '../ledger/overview.ts'
import type { Lake } from '../warehouse/lake.ts'
import { countText, durationText, plural } from './figures.ts'
import { findingText, lossText } from './finding-text.ts'
import { lookInto } from './lake-look.ts'
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
    return await lookInto(lake, memoryLimitBytes, async ({ live, ask }) => ({
      live,
      sources: await ask<LakeSource>(LAKE_SOURCES_SQL),
      ...(await overview(ask)),
    }))
  } catch (error) {
    // The first sync is under way: there is nothing to read yet, and nothing wrong.
    if (!(error instanceof StokerError) || error.code !== 'STORE_LOCKED') throw error
    return { live: false, types: [], runs: [], remarks: [], sources: [] }
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

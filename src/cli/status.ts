/** `stoker status`: sources, watermarks, last runs, purges. */
import { Command } from 'commander'
import { formerSources } from '../app/former-sources.ts'
import { StokerError } from '../core/errors.ts'
import type { Lake } from '../warehouse/lake.ts'
import type { Action } from './action.ts'
import { jsonText } from './json-text.ts'
import { lookIntoLedger, snapshotNotice } from './lake-look.ts'
import { lakeOf, withLakeOptions, type LakeOptions } from './lake-option.ts'
import { statusText, type Status } from './status-text.ts'

export function statusCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('status')
    .description('what each source holds, up to when, how the last runs ended, and what was purged')
    .option('--json', 'as JSON')
    .addHelpText(
      'after',
      `
Examples:
  stoker status
  stoker status --lake /data/lake --json     also every purge: when, what kind, how much, not whom`,
    )
    .action((_options, self: Command) =>
      perform(async () => {
        const options = self.opts<LakeOptions & { json?: true }>()
        const { lake, memoryLimitBytes } = await lakeOf(options)
        const { sources, notice, ...seen } = await look(lake, memoryLimitBytes)
        const configured = options.lake === undefined ? await configuredSources(options.config) : undefined
        const status = { ...seen, former: configured === undefined ? [] : formerSources(sources, configured) }
        process.stdout.write(options.json ? jsonText({ lake: lake.root, ...status }) : statusText(lake, notice, status))
        return 0
      }),
    )
  return withLakeOptions(command)
}

async function configuredSources(config: string): Promise<readonly string[] | undefined> {
  return (await import('../app/config-lake.ts')).sourceNames(config)
}

interface Seen extends Omit<Status, 'former'> {
  /** Said above it. */
  readonly notice: string
  readonly sources: readonly string[]
}

async function look(lake: Lake, memoryLimitBytes: number): Promise<Seen> {
  try {
    return await lookIntoLedger(lake, memoryLimitBytes, async (seen) => ({
      live: seen.live,
      notice: snapshotNotice(seen),
      sources: (await seen.ledger.sources()).map(({ source }) => source),
      ...(await seen.ledger.overview()),
      purges: seen.live ? await seen.ledger.purges() : null,
    }))
  } catch (error) {
    // The first sync is under way: there is nothing to read yet, and nothing wrong.
    if (!(error instanceof StokerError) || error.code !== 'STORE_LOCKED') throw error
    const notice = 'A worker is writing to this lake now, and nothing is published yet.\n\n'
    return { live: false, types: [], runs: [], remarks: [], sources: [], purges: null, notice }
  }
}

/** `stoker rebuild`: tables from the raw log, no export needed: as they are now, or as they were after a past run. */
import { Command } from 'commander'
import { loadConfig } from '../app/config.ts'
import { underLifecycle } from '../app/lifecycle.ts'
import { makeLog } from '../app/log.ts'
import { configuredViews, openWorker } from '../app/worker-context.ts'
import { StokerError } from '../core/errors.ts'
import type { TableChange } from '../warehouse/tables/column-changes.ts'
import { publishTables } from '../worker/publish-step.ts'
import type { ViewTableChanges } from '../warehouse/tables/view-tables.ts'
import type { Action } from './action.ts'
import { EXIT } from './exit-code.ts'
import { jsonText } from './json-text.ts'
import { rebuildPast, type PastOptions } from './rebuild-past.ts'
import { tableProgress } from './table-progress.ts'
import { refuseUnknownViews } from './view-argument.ts'

interface RebuildOptions extends Partial<PastOptions> {
  readonly config: string
  readonly all?: true
  readonly allowBreaking?: true
  readonly json?: true
}

export function rebuildCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('rebuild')
    .description('make tables anew from the raw log, and publish them; or make past ones')
    .argument('[view...]', 'tables to make anew though their view is the same; with --as-of: tables to make')
    .option('-c, --config <file>', 'the configuration', 'stoker.yaml')
    .option('--all', 'make every table anew')
    .option('--allow-breaking', 'columns and tables that readers may use can go, or change their type')
    .option(
      '--as-of <run|time>',
      'make the tables as they were after that run, or at that time, in a folder of their own',
    )
    .option('--to <folder>', 'with --as-of: where to; it is made, and must not exist')
    .option('--current-views', 'with --as-of: by the views of today, not by those of that time')
    .option('--json', 'the result as JSON on standard output')
    .addHelpText(
      'after',
      `
Examples:
  stoker rebuild                                          tables whose views are new or changed; any sync does it too
  stoker rebuild observation                              this one, changed or not
  stoker rebuild --allow-breaking                         though a column goes that somebody may use
  stoker rebuild --as-of 12 --to past-12                  the tables as run 12 left them
  stoker rebuild --as-of 2026-11-21 --to past-day         at the end of that day, UTC

The tables of a past run are the same, bit for bit, whenever they are made (by the same version of DuckDB), as long as the
raw log keeps its versions (rawLog.keep). Readers go on with the newest snapshot meanwhile.`,
    )
    .action((names: string[], options: RebuildOptions) => perform(() => rebuild(names, options)))
}

async function rebuild(names: readonly string[], options: RebuildOptions): Promise<number> {
  const { asOf, to } = options
  if (asOf !== undefined && to !== undefined) return rebuildPast({ ...options, asOf, to }, names)
  if (asOf !== undefined || to !== undefined || options.currentViews) {
    throw new StokerError('USAGE_AS_OF', '--as-of and --to belong together', {
      hint: 'stoker rebuild --as-of 12 --to FOLDER',
    })
  }
  const config = await loadConfig(options.config)
  const known = (await configuredViews(config)).map((view) => view.name)
  refuseUnknownViews(names, known)
  const stopping = () => process.stderr.write('\nstopping: the tables stay as they were\n')
  return underLifecycle(stopping, async (signal) => {
    const align = {
      allowBreaking: options.allowBreaking,
      anew: new Set(options.all ? known : names),
      onTable: tableProgress('making'),
    }
    const worker = await openWorker(config, { log: makeLog('warn'), observe: () => undefined, signal, align })
    try {
      const { changes } = worker
      const snapshot = await publishTables(worker.context)
      process.stdout.write(options.json ? jsonText({ ...changes, snapshot }) : rebuiltText(changes, snapshot))
      return EXIT.done
    } finally {
      await worker.close()
    }
  })
}

function rebuiltText({ made, rebuilt, dropped }: ViewTableChanges, snapshot: number | undefined): string {
  const nothing = made.length + rebuilt.length + dropped.length === 0 ? 'every table is as its view has it; ' : ''
  return [
    ...made.map((name) => `${name}: new\n`),
    ...rebuilt.map(changeText),
    ...dropped.map((name) => `${name}: dropped\n`),
    `${nothing}${snapshot === undefined ? 'nothing to publish' : `snapshot ${snapshot}`}\n`,
  ].join('')
}

function changeText({ table, gained, lost, retyped }: TableChange): string {
  const parts = [
    ...(gained.length > 0 ? [`gains ${gained.join(', ')}`] : []),
    ...(lost.length > 0 ? [`loses ${lost.join(', ')}`] : []),
    ...retyped.map(({ column, to }) => `${column} becomes ${to}`),
  ]
  return `${table}: made anew${parts.length === 0 ? '' : `; ${parts.join('; ')}`}\n`
}

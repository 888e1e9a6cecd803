/** `stoker cancel`: gives up a run that waits for its server, and tells the server so. */
import { Command } from 'commander'
import { loadConfig } from '../app/config.ts'
import { lakeSources } from '../ledger/lake-sources.ts'
import { formerSources } from '../app/former-sources.ts'
import { underLifecycle } from '../app/lifecycle.ts'
import { makeLog } from '../app/log.ts'
import { openWorker } from '../app/worker-context.ts'
import { StokerError } from '../core/errors.ts'
import { Lake } from '../warehouse/lake.ts'
import { cancelSource, type Cancelled } from '../worker/cancel.ts'
import type { Action } from './action.ts'
import { EXIT } from './exit-code.ts'
import { plural } from '../core/figures.ts'
import { jsonText } from './json-text.ts'
import { chosenSources } from './source-argument.ts'
import { WorkerClient } from './worker-client.ts'

interface CancelOptions {
  readonly config: string
  readonly json?: true
}

export function cancelCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('cancel')
    .description('cancel the run a source is in the middle of, and delete its export at the server')
    .argument('<source...>', 'names of sources')
    .option('-c, --config <file>', 'the configuration', 'stoker.yaml')
    .option('--json', 'the result as JSON on standard output')
    .addHelpText(
      'after',
      `
Examples:
  stoker cancel hospital-a            the next sync begins anew, from the same watermarks

Nothing that was committed is touched. A source that is no longer in the configuration can be named too. A sync that is running is stopped first (Ctrl-C, or SIGTERM); a stoker worker does that itself.`,
    )
    .action((names: string[], options: CancelOptions) => perform(() => cancel(names, options)))
}

async function cancel(names: readonly string[], options: CancelOptions): Promise<number> {
  const config = await loadConfig(options.config)
  const client = await WorkerClient.find(new Lake(config.lake))
  if (client !== undefined) return cancelByWorker(client, names, options)
  return underLifecycle(tellStopping, async (signal) => {
    const worker = await openWorker(config, { log: makeLog('warn'), observe: () => undefined, signal, align: false })
    try {
      const { context, sources } = worker
      const inLake = await lakeSources((sql) => context.ledger.rows(sql))
      const configured = sources.map(({ name }) => name)
      const former = formerSources(inLake, configured)
      const results: Cancelled[] = []
      for (const name of new Set(chosenSources(names, config, former)))
        results.push(await cancelSource(context, sources.find((source) => source.name === name) ?? { name }))
      const lines = results.map((result) => line(result, former.includes(result.source)))
      process.stdout.write(options.json ? jsonText(results) : lines.join(''))
      return EXIT.done
    } finally {
      await worker.close()
    }
  })
}

/** The worker knows its sources best. */
async function cancelByWorker(
  client: WorkerClient,
  names: readonly string[],
  { json }: CancelOptions,
): Promise<number> {
  const results: (Cancelled | CancelledByWorker)[] = []
  for (const source of new Set(names)) results.push(await cancelledBy(client, source))
  const lines = results.map((result) => line({ exportsLeft: 0, ...result } as Cancelled, false))
  process.stdout.write(json ? jsonText(results) : lines.join(''))
  return EXIT.done
}

/** Whether its exports could be deleted at the server stands in the worker's log. */
type CancelledByWorker = Omit<Extract<Cancelled, { result: 'cancelled' }>, 'exportsLeft'>

async function cancelledBy(client: WorkerClient, source: string): Promise<Cancelled | CancelledByWorker> {
  try {
    const run = await client.cancel(source)
    return run === null ? { source, result: 'nothing' } : { source, result: 'cancelled', run }
  } catch (error) {
    if (!(error instanceof StokerError) || error.code !== 'CANCEL_COMMITTED') throw error
    const [newest] = await client.ledger.runs({ sources: [source], limit: 1 })
    return { source, result: 'committed', run: newest!.run }
  }
}

/** Nothing is lost by it: the same command does what is left. */
function tellStopping(signal: string): void {
  process.stderr.write(`\n${signal}: stopping; the same command does what is left\n`)
}

/** @param isFormer no longer in the configuration */
function line(result: Cancelled, isFormer: boolean): string {
  switch (result.result) {
    case 'cancelled': {
      const given = `${result.source}: run ${result.run} is cancelled`
      if (result.exportsLeft === 0) return `${given}${isFormer ? '' : '; the next sync begins anew'}\n`
      const why = isFormer ? ', as its server is no longer configured' : ''
      return `${given}; ${plural(result.exportsLeft, 'export')} could not be deleted at the server${why}\n`
    }
    case 'committed': {
      const wayOut = isFormer ? 'with the source in the configuration again, stoker sync' : 'stoker sync'
      return `${result.source}: run ${result.run} has committed its rows; ${wayOut} finishes it\n`
    }
    case 'nothing':
      return `${result.source}: no run is under way\n`
  }
}

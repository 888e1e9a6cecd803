/** `stoker cancel`: gives up a run that waits for its server, and tells the server so. */
import { Command } from 'commander'
import { loadConfig } from '../app/config.ts'
import { formerSources, LAKE_SOURCES_SQL, type LakeSource } from '../app/former-sources.ts'
import { underLifecycle } from '../app/lifecycle.ts'
import { makeLog } from '../app/log.ts'
import { openWorker } from '../app/worker-context.ts'
import { cancelSource, type Cancelled } from '../worker/cancel.ts'
import type { Action } from './action.ts'
import { EXIT } from './exit-code.ts'
import { plural } from './figures.ts'
import { jsonText } from './json-text.ts'
import { chosenSources } from './source-argument.ts'

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

Nothing that was committed is touched. A source that is no longer in the configuration can be named too. A sync that is running is stopped first (Ctrl-C, or SIGTERM).`,
    )
    .action((names: string[], options: CancelOptions) => perform(() => cancel(names, options)))
}

async function cancel(names: readonly string[], options: CancelOptions): Promise<number> {
  const config = await loadConfig(options.config)
  return underLifecycle(tellStopping, async (signal) => {
    const worker = await openWorker(config, { log: makeLog('warn'), observe: () => undefined, signal, align: false })
    try {
      const { context, sources } = worker
      const inLake = await context.ledger.rows<LakeSource>(LAKE_SOURCES_SQL)
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

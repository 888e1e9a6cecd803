/** `stoker cancel`: gives up a run that waits for its server, and tells the server so. */
import { Command } from 'commander'
import { loadConfig } from '../app/config.ts'
import { startLifecycle } from '../app/lifecycle.ts'
import { makeLog } from '../app/log.ts'
import { openWorker } from '../app/worker-context.ts'
import { cancelSource, type Cancelled } from '../worker/cancel.ts'
import type { Action } from './action.ts'
import { chosenSources } from './source-argument.ts'

interface CancelOptions {
  readonly config: string
  readonly json?: true
}

export function cancelCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('cancel')
    .description('give up the run a source is in the middle of, and delete its export at the server')
    .argument('<source...>', 'names of sources')
    .option('-c, --config <file>', 'the configuration', 'stoker.yaml')
    .option('--json', 'the result as JSON on standard output')
    .addHelpText(
      'after',
      `
Examples:
  stoker cancel hospital-a            the next sync begins anew, from the same watermarks

Nothing that was committed is touched. A sync that is running is stopped first (Ctrl-C, or SIGTERM).`,
    )
    .action((names: string[], options: CancelOptions) => perform(() => cancel(names, options)))
}

async function cancel(names: readonly string[], options: CancelOptions): Promise<number> {
  const config = await loadConfig(options.config)
  const chosen = chosenSources(names, config)
  const lifecycle = startLifecycle(() => undefined)
  try {
    const worker = await openWorker(config, {
      log: makeLog('warn'),
      observe: () => undefined,
      signal: lifecycle.signal,
    })
    try {
      const results: Cancelled[] = []
      for (const source of worker.sources.filter(({ name }) => chosen.includes(name))) {
        results.push(await cancelSource(worker.context, source))
      }
      process.stdout.write(options.json ? `${JSON.stringify(results, null, 2)}\n` : results.map(line).join(''))
      return lifecycle.exitCode() ?? 0
    } finally {
      worker.close()
    }
  } finally {
    lifecycle.dispose()
  }
}

function line(result: Cancelled): string {
  switch (result.result) {
    case 'cancelled':
      return `${result.source}: run ${result.run} is given up; the next sync begins anew\n`
    case 'committed':
      return `${result.source}: run ${result.run} has committed its rows; stoker sync finishes it\n`
    case 'nothing':
      return `${result.source}: no run is under way\n`
  }
}

/** `stoker compact`: writes the raw log anew in few files, without the lines that nothing needs. */
import { Command } from 'commander'
import { loadConfig } from '../app/config.ts'
import { lakeSources } from '../ledger/lake-sources.ts'
import { formerSources } from '../app/former-sources.ts'
import { underLifecycle } from '../app/lifecycle.ts'
import { makeLog } from '../app/log.ts'
import { openWorker } from '../app/worker-context.ts'
import { compactSource, type Compacted } from '../warehouse/upkeep/compact.ts'
import type { Action } from './action.ts'
import { EXIT } from './exit-code.ts'
import { bytesText, plural } from '../core/figures.ts'
import { jsonText } from './json-text.ts'
import { chosenSources } from './source-argument.ts'

interface CompactOptions {
  readonly config: string
  readonly source?: string
  readonly dryRun?: true
  readonly json?: true
}

export function compactCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('compact')
    .description('write the raw log anew: few large files, without the lines that nothing needs')
    .argument('[source...]', 'names of sources; all of the lake when none is given')
    .option('-c, --config <file>', 'the configuration', 'stoker.yaml')
    .option('--source <name>', 'the same as the argument, for one source')
    .option('--dry-run', 'tell what it would do, and change nothing')
    .option('--json', 'the result as JSON on standard output')
    .addHelpText(
      'after',
      `
Examples:
  stoker compact --dry-run            what is there to gain
  stoker compact hospital-a

Which versions stay is rawLog.keep of the configuration: all (only what repeats another line goes), latest, or a number
of days. While a worker runs it is refused, --dry-run too: counting needs the database. After every run the same is done where it is worth it: when 32 files or more could be joined, or a quarter of
the lines may go. Files of a run under way are left alone.`,
    )
    .action((sources: string[], options: CompactOptions) => perform(() => compact(sources, options)))
}

async function compact(sources: readonly string[], options: CompactOptions): Promise<number> {
  const config = await loadConfig(options.config)
  const onStop = (signal: string) =>
    process.stderr.write(`\n${signal}: stopping; what is written anew stays, the rest is as it was\n`)
  return underLifecycle(onStop, async (signal) => {
    const worker = await openWorker(config, { log: makeLog('warn'), observe: () => undefined, signal })
    try {
      const { database, lake, keeping, disk, ledger, clock } = worker.context
      const inLake = await lakeSources((sql) => ledger.rows(sql))
      const configured = config.sources.map((source) => source.name)
      const former = formerSources(inLake, configured)
      const named = [...sources, ...(options.source === undefined ? [] : [options.source])]
      const names = named.length === 0 ? [...configured, ...former] : new Set(named)
      const how = options.dryRun ? 'count' : 'thorough'
      const results: Compacted[] = []
      for (const source of chosenSources([...names], config, former)) {
        const result = await compactSource({ database, lake, source, keeping, disk, now: clock.now(), how, signal })
        if (result !== undefined) results.push(result)
      }
      const text = results.map((result) => compactedText(result, options.dryRun === true)).join('')
      process.stdout.write(options.json ? jsonText(results) : text)
      return EXIT.done
    } finally {
      await worker.close()
    }
  })
}

function compactedText(result: Compacted, isDryRun: boolean): string {
  const { source, filesBefore, filesAfter, bytesBefore, bytesAfter, repeated, superseded, past, orphans } = result
  const word = isDryRun ? 'would be' : 'are now'
  const about = isDryRun ? 'about ' : ''
  const lines = [
    `${source}: ${plural(filesBefore, 'file')} of ${bytesText(bytesBefore)} ${word} ${plural(filesAfter, 'file')} of ${about}${bytesText(bytesAfter)}`,
  ]
  if (repeated > 0) lines.push(`${plural(repeated, 'line')} that repeat another`)
  if (superseded > 0) lines.push(`${plural(superseded, 'line')} that are in force no more`)
  if (past > 0) lines.push(`${plural(past, 'past state')} of resources, which --as-of can no longer tell`)
  if (orphans > 0) lines.push(`${plural(orphans, 'file')} an interruption had left behind`)
  return `${lines.join(isDryRun ? '\n  would go: ' : '\n  gone: ')}\n`
}

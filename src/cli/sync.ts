/** `stoker sync`: brings sources up to date, once. */
import { Command } from 'commander'
import { loadConfig } from '../app/config.ts'
import { lakeSources } from '../ledger/lake-sources.ts'
import { findingText } from '../app/config-findings.ts'
import { formerSources, formerText } from '../app/former-sources.ts'
import { underLifecycle } from '../app/lifecycle.ts'
import { makeLog } from '../app/log.ts'
import { openWorker } from '../app/worker-context.ts'
import { isAbort, StokerError } from '../core/errors.ts'
import { foreseen } from '../core/system-error.ts'
import { Lake } from '../warehouse/lake.ts'
import type { RunObserver } from '../worker/events.ts'
import { syncSources, type SourceResult } from '../worker/sync.ts'
import { barProgress } from './bar-progress.ts'
import { errorText } from './error-text.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { jsonText } from './json-text.ts'
import { plainProgress } from './plain-progress.ts'
import { withLogOptions, type LogOptions } from './log-option.ts'
import type { Action } from './action.ts'
import { chosenSources } from './source-argument.ts'
import { outcomeJson, outcomeTable, type ShownTable } from './summary.ts'
import { WorkerClient } from './worker-client.ts'
import { syncByWorker } from './worker-sync.ts'

interface SyncOptions extends LogOptions {
  readonly config: string
  readonly full?: true
  readonly json?: true
}

export function syncCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('sync')
    .description('bring sources up to date: export, load, commit, publish')
    .argument('[source...]', 'names of sources; all of the configuration when none is given')
    .option('-c, --config <file>', 'the configuration', 'stoker.yaml')
    .option('--full', 'ask for everything again; what the server no longer has is deleted')
    .option('--json', 'the result as JSON on standard output')
  return withLogOptions(command, 'warn')
    .addHelpText(
      'after',
      `
Examples:
  stoker sync --config stoker.yaml              all sources, one run each
  stoker sync hospital-a --full                 one source, everything anew
  stoker sync --json > result.json              for a program

A run that was interrupted, by a signal, a crash or an error that may pass, goes on where it stopped. Where stoker worker
serves the lake, it is asked for the runs, and followed until they are over.`,
    )
    .action((names: string[], _options, command: Command) =>
      perform(() => sync(names, command.optsWithGlobals<SyncOptions & { trace?: true }>())),
    )
}

async function sync(names: readonly string[], options: SyncOptions & { readonly trace?: true }): Promise<number> {
  const config = await loadConfig(options.config)
  for (const warning of config.warnings) process.stderr.write(`warning: ${findingText(warning)}\n`)
  const chosenNames = chosenSources(names, config)
  const progress = observer()
  const lake = new Lake(config.lake)
  const client = await WorkerClient.find(lake)
  if (client !== undefined) return syncFollowing(client, chosenNames, lake, progress, options)
  const onStop = (signal: string) =>
    process.stderr.write(`\n${signal}: stopping; the next start goes on from here (again to stop at once)\n`)
  return underLifecycle(onStop, async (signal) => {
    const log = makeLog(options.logLevel, options.logFormat)
    const worker = await openWorker(config, { log, observe: progress.observe, signal }).catch((error: unknown) => {
      if (options.json) writeJson({ sources: [], error: errorJson(foreseen(error)), lake: config.lake })
      throw error
    })
    let results: SourceResult[]
    try {
      const inLake = await lakeSources((sql) => worker.context.ledger.rows(sql))
      const configured = config.sources.map(({ name }) => name)
      for (const source of formerSources(inLake, configured)) process.stderr.write(`note: ${formerText(source)}\n`)
      const chosen = worker.sources.filter((source) => chosenNames.includes(source.name))
      results = await syncSources(worker.context, chosen, options.full ?? false)
    } finally {
      progress.stop()
      await worker.close()
    }
    report(results, worker.context.views, worker.context.lake, options)
    return exitCode(results)
  })
}

/** Where a worker serves the lake: what it does is shown as if it were done here. */
async function syncFollowing(
  client: WorkerClient,
  sources: readonly string[],
  lake: Lake,
  progress: Progress,
  options: SyncOptions & { readonly trace?: true },
): Promise<number> {
  const { full = false } = options
  const onStop = (signal: string) =>
    process.stderr.write(`\n${signal}: the worker goes on with it; stoker cancel ends a run\n`)
  const onAlready = (source: string) =>
    process.stderr.write(
      `note: a run of ${source} was under way or waiting already${full ? '; a full one follows' : ''}\n`,
    )
  return underLifecycle(onStop, async (signal) => {
    process.stderr.write(`note: the worker of this lake, PID ${client.pid}, is asked for it\n`)
    const { observe } = progress
    // While it is there to be asked: it may stop while it is followed.
    const tables = await client.ledger.tables()
    const asked = syncByWorker(client, sources, { full, observe, onAlready, signal })
    const results = await asked.finally(() => progress.stop())
    report(results, tables, lake, options)
    return exitCode(results)
  })
}

interface Progress {
  readonly observe: RunObserver
  stop(): void
}

function observer(): Progress {
  if (process.stderr.isTTY) return barProgress(process.stderr, Date.now)
  return { observe: plainProgress((text) => process.stderr.write(text), Date.now), stop() {} }
}

function report(
  results: readonly SourceResult[],
  views: readonly ShownTable[],
  lake: Lake,
  options: { json?: true; trace?: true },
): void {
  for (const result of results) {
    if ('error' in result && !isAbort(result.error))
      process.stderr.write(errorText(result.error, options.trace ?? false, result.source))
  }
  if (options.json) {
    const sources = results.map((result) =>
      'outcome' in result ? outcomeJson(result.outcome) : { source: result.source, error: errorJson(result.error) },
    )
    writeJson({ sources, catalog: lake.catalog, lake: lake.root })
    return
  }
  const outcomes = results.flatMap((result) => ('outcome' in result ? [result.outcome] : []))
  for (const outcome of outcomes) process.stdout.write(`${outcomeTable(outcome, views)}\n`)
  const last = outcomes.at(-1)
  if (last !== undefined) process.stdout.write(`catalog  ${lake.catalog}\nparquet  ${lake.snapshot(last.snapshot)}\n`)
}

function writeJson(value: object): void {
  process.stdout.write(jsonText(value))
}

/** For programs, which keep what they are given: without the server's own words, which may name a patient. */
function errorJson(error: unknown): object {
  if (!(error instanceof StokerError))
    return { code: isAbort(error) ? 'STOPPED' : 'INTERNAL', retryable: isAbort(error) }
  const { code, record: message, retryable, hint, facts } = error
  return { code, message, retryable, hint, facts }
}

/** The worst of the sources decides, a lasting failure before a passing one. */
function exitCode(results: readonly SourceResult[]): number {
  const codes = results.map((result) => {
    if ('error' in result) return exitCodeOf(result.error)
    return result.outcome.books.types.some((type) => type.held !== null) ? EXIT.held : EXIT.done
  })
  for (const code of [EXIT.internal, EXIT.usage, EXIT.failed, EXIT.locked, EXIT.retry, EXIT.held])
    if (codes.includes(code)) return code
  return EXIT.done
}

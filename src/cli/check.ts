/** `stoker check`: whether a source would work, in plain words, without exporting anything. */
import { Command } from 'commander'
import { checkConfigured } from '../app/check-context.ts'
import { loadConfig, type LoadedConfig } from '../app/config.ts'
import type { SourceConfig } from '../app/config-source.ts'
import { findingText } from '../app/config-findings.ts'
import { startLifecycle } from '../app/lifecycle.ts'
import { makeLog } from '../app/log.ts'
import { shownPath } from '../app/shown-path.ts'
import type { CheckLine } from '../bulk/check/line.ts'
import type { Action } from './action.ts'
import { EXIT } from './exit-code.ts'
import { plural } from '../core/figures.ts'
import { jsonText } from './json-text.ts'
import { chosenSources } from './source-argument.ts'

interface CheckCommandOptions {
  readonly config: string
  readonly json?: true
  readonly tryExport?: true
}

export function checkCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('check')
    .description('say whether configuration, key, server, sign-in and parameters of a source work; nothing is exported')
    .argument('[source...]', 'names of sources; all of the configuration when none is given')
    .option('-c, --config <file>', 'the configuration', 'stoker.yaml')
    .option('--try-export', 'also ask for an export of what changed in the last minute, and delete it at once')
    .option('--json', 'the result as JSON on standard output')
    .addHelpText(
      'after',
      `
Examples:
  stoker check                                  every source
  stoker check hospital-a --try-export          one source, to the kick-off
  stoker check --json > check.json              for a program

Each line is ok, warning, failed or skipped, with the way out below it. Exit code 3 when something failed,
4 when the server only did not answer or was busy.`,
    )
    .action((names: string[], options: CheckCommandOptions) => perform(() => check(names, options)))
}

interface Checked {
  readonly source: string
  readonly lines: readonly CheckLine[]
}

async function check(names: readonly string[], options: CheckCommandOptions): Promise<number> {
  const config = await loadConfig(options.config)
  const chosen = chosenSources(names, config)
  const tell = (text: string) => options.json ?? process.stdout.write(text)
  const lifecycle = startLifecycle(() => undefined)
  const { signal } = lifecycle
  const results: Checked[] = []
  try {
    if (!options.json) tell(configurationText(config))
    for (const source of config.sources.filter(({ name }) => chosen.includes(name))) {
      tell(`\n${source.name}  ${describe(source)}\n`)
      const lines: CheckLine[] = []
      const checking = checkConfigured(source, { log: makeLog('error'), signal, tryExport: options.tryExport ?? false })
      for await (const line of checking) {
        lines.push(line)
        tell(lineText(line))
      }
      results.push({ source: source.name, lines })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    lifecycle.dispose()
  }
  const failures = results.flatMap(({ lines }) => lines.filter(({ verdict }) => verdict === 'failed'))
  if (options.json) {
    const { file, warnings } = config
    process.stdout.write(jsonText({ config: { file, warnings }, sources: results }))
  }
  const end = failures.length === 0 ? 'nothing failed' : `${plural(failures.length, 'step')} failed`
  tell(`\n${end}\n`)
  return lifecycle.exitCode() ?? exitCode(failures)
}

/** Errors of a server that may be there again at the next try. */
const PASSING: ReadonlySet<string | undefined> = new Set(['BULK_UNREACHABLE', 'BULK_BUSY'])

/** A lasting failure decides before a passing one. */
function exitCode(failures: readonly CheckLine[]): number {
  if (failures.length === 0) return EXIT.done
  return failures.every(({ code }) => PASSING.has(code)) ? EXIT.retry : EXIT.failed
}

function configurationText({ file, warnings }: LoadedConfig): string {
  const head = `ok       configuration  ${shownPath(file)} can be used\n`
  return warnings.reduce((text, warning) => `${text}warning  configuration  ${findingText(warning)}\n`, head)
}

function describe({ baseUrl, level, manifestUrl, profile }: SourceConfig): string {
  const what =
    manifestUrl !== undefined
      ? 'a published manifest'
      : level.kind === 'group'
        ? `Group ${level.id}`
        : `level ${level.kind}`
  return `${baseUrl.href}  ${what}, profile ${profile.name}`
}

/** `failed   token          the server refused …`, with what to do below. */
function lineText({ verdict, step, text, wayOut }: CheckLine): string {
  const head = `${verdict.padEnd(9)}${step.padEnd(15)}${text}\n`
  return wayOut === undefined ? head : `${head}${' '.repeat(24)}→ ${wayOut}\n`
}

/** The command line: global options, subcommands, and from every way of ending to an exit code. */
import { Command, CommanderError } from 'commander'
import { STOKER_VERSION } from '../app/version.ts'
import { foreseen } from '../core/system-error.ts'
import type { Action } from './action.ts'
import { errorText } from './error-text.ts'
import { EXIT, EXIT_CODES_HELP, exitCodeOf } from './exit-code.ts'

type MakeCommand = (perform: (action: Action) => Promise<void>) => Command

/** By name, in the order of the help. */
const COMMANDS: Readonly<Record<string, () => Promise<MakeCommand>>> = {
  sync: async () => (await import('./sync.ts')).syncCommand,
  worker: async () => (await import('./worker.ts')).workerCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  runs: async () => (await import('./runs.ts')).runsCommand,
  snapshots: async () => (await import('./snapshots.ts')).snapshotsCommand,
  lineage: async () => (await import('./lineage.ts')).lineageCommand,
  query: async () => (await import('./query.ts')).queryCommand,
  cohort: async () => (await import('./cohort.ts')).cohortCommand,
  dataset: async () => (await import('./dataset.ts')).datasetCommand,
  rebuild: async () => (await import('./rebuild.ts')).rebuildCommand,
  catalog: async () => (await import('./catalog.ts')).catalogCommand,
  views: async () => (await import('./views.ts')).viewsCommand,
  check: async () => (await import('./check.ts')).checkCommand,
  cancel: async () => (await import('./cancel.ts')).cancelCommand,
  compact: async () => (await import('./compact.ts')).compactCommand,
  purge: async () => (await import('./purge.ts')).purgeCommand,
  keys: async () => (await import('./keys.ts')).keysCommand,
  demo: async () => (await import('./demo.ts')).demoCommand,
  'demo-server': async () => (await import('./demo-server.ts')).demoServerCommand,
}

/** The one that is named, or all: reading the code of all of them takes a second. */
function commandsFor(argv: readonly string[]): readonly (() => Promise<MakeCommand>)[] {
  const name = argv.slice(2).find((word) => word !== '--trace')
  if (name === '--version' || name === '-V') return []
  return name !== undefined && Object.hasOwn(COMMANDS, name) ? [COMMANDS[name]!] : Object.values(COMMANDS)
}

/** @param argv as `process.argv` */
export async function runProgram(argv: readonly string[]): Promise<number> {
  let code: number = EXIT.done
  const trace = argv.includes('--trace')
  const perform = async (action: Action): Promise<void> => {
    code = await action()
  }
  const program = new Command('stoker')
    .description('Keeps an analytics warehouse fed from FHIR Bulk Data servers.')
    .version(STOKER_VERSION)
    .option('--trace', 'on an error, show the stack and its causes (they may quote data)')
    .showHelpAfterError('(stoker --help tells more)')
    .showSuggestionAfterError()
    .addHelpText('after', EXIT_CODES_HELP)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'stoker: ')) })
    .exitOverride()
  for (const load of commandsFor(argv)) {
    const command = await load()
    const subcommand = command(perform).copyInheritedSettings(program)
    program.addCommand(subcommand)
    for (const each of [subcommand, ...subcommand.commands.map((inner) => inner.copyInheritedSettings(subcommand))])
      each.showHelpAfterError(`(${pathOf(each)} --help tells more)`)
  }
  try {
    await program.parseAsync([...argv])
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    const known = foreseen(error)
    process.stderr.write(errorText(known, trace))
    return exitCodeOf(known)
  }
}

/** `stoker views run`, as it is typed. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}

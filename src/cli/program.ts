/** The command line: global options, subcommands, and from every way of ending to an exit code. */
import { Command, CommanderError } from 'commander'
import { STOKER_VERSION } from '../app/version.ts'
import { foreseen } from '../core/system-error.ts'
import type { Action } from './action.ts'
import { cancelCommand } from './cancel.ts'
import { catalogCommand } from './catalog.ts'
import { checkCommand } from './check.ts'
import { compactCommand } from './compact.ts'
import { demoCommand } from './demo.ts'
import { demoServerCommand } from './demo-server.ts'
import { errorText } from './error-text.ts'
import { EXIT, EXIT_CODES_HELP, exitCodeOf } from './exit-code.ts'
import { keysCommand } from './keys.ts'
import { lineageCommand } from './lineage.ts'
import { purgeCommand } from './purge.ts'
import { queryCommand } from './query.ts'
import { rebuildCommand } from './rebuild.ts'
import { runsCommand } from './runs.ts'
import { snapshotsCommand } from './snapshots.ts'
import { statusCommand } from './status.ts'
import { syncCommand } from './sync.ts'
import { viewsCommand } from './views.ts'

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
  for (const command of [
    syncCommand,
    statusCommand,
    runsCommand,
    snapshotsCommand,
    lineageCommand,
    queryCommand,
    rebuildCommand,
    catalogCommand,
    viewsCommand,
    checkCommand,
    cancelCommand,
    compactCommand,
    purgeCommand,
    keysCommand,
    demoCommand,
    demoServerCommand,
  ]) {
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

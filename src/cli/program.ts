/** The command line: global options, subcommands, and from every way of ending to an exit code. */
import { Command, CommanderError } from 'commander'
import { STOKER_VERSION } from '../app/version.ts'
import type { Action } from './action.ts'
import { demoCommand } from './demo.ts'
import { demoServerCommand } from './demo-server.ts'
import { errorText } from './error-text.ts'
import { EXIT, EXIT_CODES_HELP, exitCodeOf } from './exit-code.ts'
import { queryCommand } from './query.ts'
import { statusCommand } from './status.ts'
import { syncCommand } from './sync.ts'

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
    .exitOverride()
  for (const command of [syncCommand, queryCommand, statusCommand, demoCommand, demoServerCommand]) {
    program.addCommand(command(perform).exitOverride())
  }
  try {
    await program.parseAsync([...argv])
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    process.stderr.write(errorText(error, trace))
    return exitCodeOf(error)
  }
}

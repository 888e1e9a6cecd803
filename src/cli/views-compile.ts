/** `stoker views compile`: a view's SQL, to read or to run elsewhere. */
import { Command } from 'commander'
import { ndjsonInput } from './ndjson-input.ts'
import type { Action } from './action.ts'
import { openView } from './view-files.ts'

export function viewsCompileCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('compile')
    .description('print the SQL that a view compiles to')
    .argument('<view>', 'file of a ViewDefinition, or name of a view that comes with Stoker')
    .option('-i, --input <file...>', 'the NDJSON that the SQL reads, or a pattern; TYPE.ndjson when left out')
    .option('--json', 'as JSON: SQL, columns with their types, what is read of the resource, hash')
    .addHelpText(
      'after',
      `
Examples:
  stoker views compile patient
  stoker views compile my-views/risk.json --input '/data/*.ndjson' | duckdb

The SQL runs in DuckDB 1.5, with the time zone set to UTC (SET TimeZone = 'UTC').`,
    )
    .action((name: string, options: { input?: string[]; json?: true }) =>
      perform(async () => {
        const { view } = await openView(name)
        const sql = view.sql(ndjsonInput(options.input ?? [`${view.resource}.ndjson`]))
        const { resource, fhirVersion, description, hash, columns } = view
        const whole = { name: view.name, resource, fhirVersion, description, hash, columns, struct: view.struct, sql }
        process.stdout.write(options.json ? `${JSON.stringify(whole, null, 2)}\n` : `${sql};\n`)
        return 0
      }),
    )
}

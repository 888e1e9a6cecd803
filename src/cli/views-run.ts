/** `stoker views run`: a view's rows over NDJSON files; DuckDB reads and writes them, JavaScript never sees one. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { Command, Option } from 'commander'
import { fstatSync } from 'node:fs'
import { chmod, open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { FILE_MODE } from '../core/durable.ts'
import { StokerError } from '../core/errors.ts'
import { sqlName, sqlText } from '../core/sql.ts'
import type { CompiledView } from '../views/compile.ts'
import type { Action } from './action.ts'
import { inputError } from './ndjson-error.ts'
import { ndjsonInput } from './ndjson-input.ts'
import { writeResult } from './query-output.ts'
import { withScratchDatabase } from './scratch-database.ts'
import { openView } from './view-files.ts'

const FORMATS = ['table', 'ndjson', 'csv'] as const

interface RunOptions {
  readonly input: readonly string[]
  readonly format: (typeof FORMATS)[number]
  readonly out?: string
}

export function viewsRunCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('run')
    .description('run a view over NDJSON files; needs no server and no warehouse')
    .argument('<view>', 'file of a ViewDefinition, or name of a view that comes with Stoker')
    .requiredOption('-i, --input <file...>', 'NDJSON of any resource types, or a pattern; - is the standard input')
    .addOption(new Option('-f, --format <format>', 'how rows are written').choices(FORMATS).default('table'))
    .option('-o, --out <file>', 'where rows go instead of the standard output (not for tables)')
    .addHelpText(
      'after',
      `
Examples:
  stoker views run patient --input Patient.ndjson
  stoker views run my-views/risk.json --input '/data/*.ndjson' --format csv > risk.csv
  stoker views run observation --input Observation.ndjson --format ndjson --out observation.ndjson

A table shows 1,000 rows, the other formats all. Resources of other types are passed over. Keys are Type/id; in a
warehouse the source stands in front.`,
    )
    .action((name: string, options: RunOptions) =>
      perform(async () => {
        if (options.out !== undefined && options.format === 'table')
          throw new StokerError('VIEWS_FORMAT', 'a table is for reading, not for a file', {
            hint: 'add --format csv or --format ndjson',
          })
        const { view } = await openView(name)
        await withScratchDatabase((connection, folder) => run(view, options, connection, folder))
        return 0
      }),
    )
}

async function run(
  view: CompiledView,
  { input, format, out }: RunOptions,
  connection: DuckDBConnection,
  folder: string,
): Promise<void> {
  const sql = view.sql(ndjsonInput(input))
  try {
    if (format === 'table') await writeResult(await connection.stream(sql), 'table', process.stdout)
    else if (out !== undefined) await copyToFile(connection, view, sql, format, out)
    else await copyToOutput(connection, view, sql, format, folder)
  } catch (error) {
    // Whoever reads has read enough (`… | head`).
    if (!(error instanceof Error && /Broken pipe/.test(error.message))) throw await inputError(error, input, connection)
  }
}

/** Patients' data: for the owner's eyes only, from the first byte. */
async function copyToFile(
  connection: DuckDBConnection,
  view: CompiledView,
  sql: string,
  format: 'ndjson' | 'csv',
  file: string,
): Promise<void> {
  await (await open(file, 'w', FILE_MODE)).close()
  await chmod(file, FILE_MODE)
  await connection.run(copySql(view, sql, format, file))
}

/**
 * DuckDB writes to a pipe or a terminal itself. A file behind `>>` it would empty, and a socket it can not open: their
 * bytes go through a file of ours.
 */
async function copyToOutput(
  connection: DuckDBConnection,
  view: CompiledView,
  sql: string,
  format: 'ndjson' | 'csv',
  folder: string,
): Promise<void> {
  const output = fstatSync(1)
  if (process.platform !== 'win32' && (output.isFIFO() || output.isCharacterDevice())) {
    await connection.run(copySql(view, sql, format, '/dev/stdout'))
    return
  }
  const aside = join(folder, 'rows')
  await copyToFile(connection, view, sql, format, aside)
  const file = await open(aside)
  await pipeline(file.createReadStream(), process.stdout, { end: false })
}

/** Instants as ISO 8601, as everywhere else. */
function copySql(view: CompiledView, sql: string, format: 'ndjson' | 'csv', file: string): string {
  const columns = view.columns.map(({ name, type }) => {
    const column = sqlName(name)
    const iso = (value: string) => `replace(replace(${value}::VARCHAR, ' ', 'T'), '+00', 'Z')`
    if (type === 'TIMESTAMPTZ') return `${iso(column)} AS ${column}`
    return type === 'TIMESTAMPTZ[]' ? `[${iso('one')} FOR one IN ${column}] AS ${column}` : column
  })
  const form = format === 'csv' ? 'FORMAT csv, HEADER true' : 'FORMAT json'
  return `COPY (SELECT ${columns.join(', ')} FROM (${sql})) TO ${sqlText(file)} (${form}, USE_TMP_FILE false)`
}

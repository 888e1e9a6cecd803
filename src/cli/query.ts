/** `stoker query`: SQL over the newest snapshot. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { QUERY_FORMATS, type QueryFormat } from '../analysis/query/query-request.ts'
import { StokerError } from '../core/errors.ts'
import type { QueryParameters } from '../warehouse/reading/reader.ts'
import type { Action } from './action.ts'
import { wholeNumber } from './arguments.ts'
import { lakeOf, withLakeOptions, type LakeOptions } from './lake-option.ts'
import { runQuery } from './query-run.ts'

interface QueryOptions extends LakeOptions {
  readonly format?: QueryFormat | 'table'
  readonly json?: true
  readonly snapshot?: number
  readonly file?: string
  readonly output?: string
  readonly param: QueryParameters
  readonly timeout?: number
  readonly limitRows?: number
  readonly living?: true
}

export function queryCommand(perform: (action: Action) => Promise<void>): Command {
  const formats = ['table', ...QUERY_FORMATS]
  const command = new Command('query')
    .description('run SQL over the newest snapshot')
    .argument('[sql]', 'one SELECT')
    .addOption(
      new Option('-f, --format <format>', 'how rows are written (default: table; of --output, by its name)').choices(
        formats,
      ),
    )
    .option('--json', 'short for --format json')
    .option('--file <file>', 'read the SQL from a file; - is standard input')
    .option('-o, --output <file>', 'write the answer there, whole or not at all, for yourself alone')
    .addOption(
      new Option('-p, --param <name=value>', 'a value for $name in the SQL; can be repeated')
        .argParser(parameter)
        .default({}, 'none'),
    )
    .option('--snapshot <number>', 'over this snapshot, not the newest', wholeNumber(1, 2 ** 31 - 1))
    .option('--living', 'without what was deleted (deletions: keep), as cohorts and data sets see the tables')
    .option('--timeout <seconds>', 'give up after so long', wholeNumber(1, 86_400))
    .option('--limit-rows <rows>', 'fail if the answer has more', wholeNumber(1, 2 ** 31 - 1))
    .addHelpText(
      'after',
      `
Examples:
  stoker query "SHOW TABLES"
  stoker query "SELECT gender, count(*) FROM patient GROUP BY ALL"
  stoker query "FROM condition WHERE code = \\$code" --param code=44054006
  stoker query "FROM condition WHERE code = '44054006'" --output diabetes.csv
  stoker query "FROM observation" --output observation.parquet
  stoker query --format arrow "FROM observation" > observation.arrows
  stoker query --file cohort.sql --param since=2026-01-01 --timeout 60
  stoker query --snapshot 7 "SELECT count(*) FROM patient"
  stoker query "SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL"

The query reads one snapshot and nothing else: no file, no network, no settings. --output knows .json, .csv, .arrow,
.arrows and .parquet. CSV is RFC 4180: CRLF line ends, NULL and the empty text both an empty field. A value given by
--param is never read as SQL; it takes the type of its place, as a text in quotes does ($n::INTEGER where none is plain).
An answer that fails half way, or has too many rows, ends with another exit code than 0: what was written by then to
standard output is not it.`,
    )
    .action((sql: string | undefined, _options, self: Command) =>
      perform(async () => {
        const options = self.opts<QueryOptions>()
        const output = options.output === undefined ? undefined : resolve(options.output)
        const format = formatOf(options)
        if (format === 'parquet' && output === undefined && process.stdout.isTTY) {
          throw usage('Parquet is no text for a terminal', 'give --output FILE, or send it on: … > answer.parquet')
        }
        const { param: parameters, snapshot, living = false } = options
        const asked = { sql: await sqlOf(sql, options), parameters, snapshot, living }
        const { timeout: seconds, limitRows: rows } = options
        return runQuery(await lakeOf(options), { ...asked, format, output, seconds, rows })
      }),
    )
  return withLakeOptions(command)
}

async function sqlOf(sql: string | undefined, { file }: QueryOptions): Promise<string> {
  if ((sql === undefined) === (file === undefined)) {
    throw usage(
      'a query is given as an argument or in a file',
      'stoker query "SHOW TABLES", or stoker query --file q.sql',
    )
  }
  if (file === undefined) return sql!
  return file === '-' ? text(process.stdin) : readFile(file, 'utf8')
}

const BY_NAME: readonly (readonly [RegExp, QueryFormat])[] = [
  [/\.json$/i, 'json'],
  [/\.csv$/i, 'csv'],
  [/\.arrows?$/i, 'arrow'],
  [/\.parquet$/i, 'parquet'],
]

function formatOf({ format, json, output }: QueryOptions): QueryFormat | 'table' {
  if (json) return 'json'
  if (output === undefined) return format ?? 'table'
  const named = format ?? BY_NAME.find(([ending]) => ending.test(output))?.[1]
  if (named !== undefined && named !== 'table') return named
  throw usage(`the name ${basename(output)} does not tell the format`, `give --format ${QUERY_FORMATS.join(', ')}`)
}

function parameter(text: string, before: QueryParameters): QueryParameters {
  const [, name, value] = /^\$?([A-Za-z_]\w*|\d+)=(.*)$/s.exec(text) ?? []
  if (name === undefined) throw new InvalidArgumentError('It must be NAME=VALUE.')
  return { ...before, [name]: value! }
}

function usage(message: string, hint: string): StokerError {
  return new StokerError('USAGE_QUERY', message, { hint })
}

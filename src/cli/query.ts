/** `stoker query`: SQL over the newest snapshot. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { fileAnswer, type Question } from '../analysis/query/answer.ts'
import { QUERY_FORMATS, type AnswerLimits, type QueryFormat } from '../analysis/query/query-request.ts'
import { settle } from '../core/durable.ts'
import { StokerError } from '../core/errors.ts'
import type { Lake } from '../warehouse/lake.ts'
import { SnapshotReader, type QueryParameters, type ReaderOptions } from '../warehouse/reader.ts'
import type { Action } from './action.ts'
import { wholeNumber } from './arguments.ts'
import { plural } from './figures.ts'
import { lakeOf, withLakeOptions, type LakeOptions } from './lake-option.ts'
import { writeResult } from './query-output.ts'

interface QueryOptions extends LakeOptions {
  readonly format?: QueryFormat | 'table'
  readonly json?: true
  readonly snapshot?: number
  readonly file?: string
  readonly output?: string
  readonly param: QueryParameters
  readonly timeout?: number
  readonly limitRows?: number
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
    .option('-p, --param <name=value>', 'a value for $name in the SQL; can be repeated', parameter, {})
    .option('--snapshot <number>', 'over this snapshot, not the newest', wholeNumber(1, 2 ** 31 - 1))
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
      perform(async () => query(await sqlOf(sql, self.opts<QueryOptions>()), self.opts<QueryOptions>())),
    )
  return withLakeOptions(command)
}

async function query(sql: string, options: QueryOptions): Promise<number> {
  const format = formatOf(options)
  const output = options.output === undefined ? undefined : resolve(options.output)
  if (format === 'parquet' && output === undefined && process.stdout.isTTY) {
    throw usage('Parquet is no text for a terminal', 'give --output FILE, or send it on: … > answer.parquet')
  }
  const { lake, memoryLimitBytes } = await lakeOf(options)
  const limits = { rows: options.limitRows ?? Infinity, bytes: Infinity }
  const asked = { sql, parameters: options.param }
  const timer = new AbortController()
  const giveUp = options.timeout === undefined ? undefined : endIn(options.timeout, timer)
  // The snapshot's folder is gone into: no plan and no error tells where it lies. The paths above are whole by now.
  const opening = { snapshot: options.snapshot, signal: timer.signal, enter: true }
  try {
    if (output !== undefined) {
      const folder = await mkdtemp(`${output}.part-`).catch((error: unknown) => refusePlace(error, output))
      const question = { ...asked, format: format as QueryFormat }
      await inFolder(folder, lake, memoryLimitBytes, opening, question, limits, (path) => settle(path, output))
    } else if (format === 'parquet') {
      const folder = await mkdtemp(join(tmpdir(), 'stoker-query-'))
      await inFolder(folder, lake, memoryLimitBytes, opening, { ...asked, format }, limits, (path) =>
        pipeline(createReadStream(path), process.stdout, { end: false }),
      )
    } else {
      const reader = await SnapshotReader.open(lake, memoryLimitBytes, opening)
      try {
        const result = await reader.query(sql, options.param)
        await writeResult(result, format, process.stdout, limits).catch((error: unknown) => {
          throw reader.failure(error)
        })
      } finally {
        await reader.close()
      }
    }
  } finally {
    clearTimeout(giveUp)
  }
  return 0
}

/** Lays the answer into a private folder, hands it on when it is whole, and removes the folder. */
async function inFolder(
  folder: string,
  lake: Lake,
  memoryLimitBytes: number,
  opening: ReaderOptions,
  question: Question,
  limits: AnswerLimits,
  handOn: (path: string) => Promise<void>,
): Promise<void> {
  try {
    const reader = await SnapshotReader.open(lake, memoryLimitBytes, { ...opening, output: folder })
    try {
      const { rows } = await fileAnswer(reader, question, folder, 'answer', limits)
      await handOn(join(folder, 'answer'))
      process.stderr.write(`${plural(rows, 'row')}\n`)
    } finally {
      await reader.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** DuckDB may not hear of it for minutes, in the middle of one huge value: then the process ends without it. */
const GRACE_MS = 3000

function endIn(seconds: number, timer: AbortController): NodeJS.Timeout {
  const error = new StokerError(
    'QUERY_TIMEOUT',
    `the query took longer than ${plural(seconds, 'second')} and was stopped`,
    { hint: 'ask for fewer rows, join by keys, or give it more time: --timeout' },
  )
  return setTimeout(() => {
    timer.abort(error)
    setTimeout(() => {
      process.stderr.write(`stoker: ${error.message}\n  code: ${error.code}\n`)
      process.kill(process.pid, 'SIGKILL')
    }, GRACE_MS).unref()
  }, seconds * 1000)
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

function refusePlace(error: unknown, output: string): never {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  throw usage(`there is no folder ${dirname(output)}`, 'make it first')
}

function usage(message: string, hint: string): StokerError {
  return new StokerError('USAGE_QUERY', message, { hint })
}

/** `stoker query`: SQL over the newest snapshot. */
import { Command, Option } from 'commander'
import { StokerError } from '../core/errors.ts'
import { SnapshotReader } from '../warehouse/reader.ts'
import { lakeOf, withLakeOptions, type LakeOptions } from './lake-option.ts'
import type { Action } from './action.ts'
import { wholeNumber } from './arguments.ts'
import { FORMATS, writeResult, type Format } from './query-output.ts'

export function queryCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('query')
    .description('run SQL over the newest snapshot')
    .argument('<sql>', 'one SELECT')
    .addOption(new Option('-f, --format <format>', 'how rows are written').choices(FORMATS).default('table'))
    .option('--json', 'short for --format json')
    .option('--snapshot <number>', 'over this snapshot, not the newest', wholeNumber(1, 2 ** 31 - 1))
    .addHelpText(
      'after',
      `
Examples:
  stoker query "SHOW TABLES"
  stoker query "SELECT gender, count(*) FROM patient GROUP BY ALL"
  stoker query --format csv "FROM condition WHERE code = '44054006'" > diabetes.csv
  stoker query --format arrow "FROM observation" > observation.arrows
  stoker query --snapshot 7 "SELECT count(*) FROM patient"
  stoker query "SELECT table_schema, table_name FROM information_schema.tables ORDER BY ALL"

The query reads one snapshot and nothing else: no file, no network, no settings. CSV is RFC 4180: CRLF line ends,
NULL and the empty text both an empty field.`,
    )
    .action((sql: string, _options, self: Command) =>
      perform(async () => {
        const options = self.opts<LakeOptions & { format: Format; json?: true; snapshot?: number }>()
        const { lake, memoryLimitBytes } = await lakeOf(options)
        const reader = await SnapshotReader.open(lake, memoryLimitBytes, { snapshot: options.snapshot })
        try {
          await writeResult(
            await reader.query(sql).catch((error: unknown) => refuseOther(error, sql)),
            options.json ? 'json' : options.format,
            process.stdout,
          )
        } finally {
          await reader.close()
        }
        return 0
      }),
    )
  return withLakeOptions(command)
}

/** DuckDB refuses some statements that change something with words about views and files. */
function refuseOther(error: unknown, sql: string): never {
  const verb = OTHERS.exec(sql)?.[1]?.toUpperCase()
  if (verb === undefined || !(error instanceof StokerError)) throw error
  throw new StokerError('QUERY_REFUSED', `a query is one SELECT, not ${verb}`, {
    hint: 'a snapshot is only read. Work on a copy of a table: stoker query --format csv "FROM patient" > patient.csv, or its Parquet files',
    cause: error,
  })
}

const OTHERS =
  /^\s*(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|CREATE|DROP|ALTER|COPY|ATTACH|DETACH|INSTALL|LOAD|SET|RESET|USE|CALL|PRAGMA|EXPORT|IMPORT|VACUUM|CHECKPOINT|BEGIN|COMMIT)\b/i

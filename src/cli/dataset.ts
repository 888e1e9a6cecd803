/** `stoker dataset`: tables to learn from, built and checked. */
import { Command, InvalidArgumentError } from 'commander'
import { resolve } from 'node:path'
import { readCohorts, type CohortLibrary } from '../analysis/cohort/library.ts'
import { buildDataset } from '../analysis/dataset/build.ts'
import { checkDataset } from '../analysis/dataset/check.ts'
import type { DatasetDefinition } from '../analysis/dataset/definition.ts'
import { cohortFolders } from '../app/cohort-context.ts'
import { isInstant } from '../app/config-instant.ts'
import { underLifecycle } from '../app/lifecycle.ts'
import { STOKER_VERSION } from '../app/version.ts'
import { StokerError } from '../core/errors.ts'
import { Lake } from '../warehouse/lake.ts'
import type { Action } from './action.ts'
import { wholeNumber } from './arguments.ts'
import { datasetExamplesCommand } from './dataset-examples.ts'
import { readDataset } from './dataset-file.ts'
import { builtText, checkedText } from './dataset-text.ts'
import { EXIT } from './exit-code.ts'
import { jsonText } from './json-text.ts'
import { lakeOf, MEMORY_LIMIT_BYTES, withLakeOptions, type LakeOptions } from './lake-option.ts'

interface BuildCommandOptions extends DatasetOptions {
  readonly to: string
  readonly dataUntil?: Date
}

interface DatasetOptions extends LakeOptions {
  readonly snapshot?: number
  readonly asOf?: string
  readonly json?: true
}

export function datasetCommand(perform: (action: Action) => Promise<void>): Command {
  return new Command('dataset')
    .description('tables to learn from: a cohort, features known at an index date, a label known after it')
    .addCommand(buildCommand(perform))
    .addCommand(checkCommand(perform))
    .addCommand(datasetExamplesCommand(perform))
    .addHelpText(
      'after',
      `
Examples:
  stoker dataset examples my-datasets                                   two definitions to begin with
  stoker dataset check my-datasets/readmission-30d.yaml
  stoker dataset build my-datasets/readmission-30d.yaml --to readmission-1`,
    )
}

function buildCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('build')
    .description('make Parquet and Arrow files of a definition, split by patient, with a card')
    .argument('<file>', 'the definition, YAML')
    .requiredOption('--to <folder>', 'where to; it is made, and must not exist')
    .option('--data-until <time>', 'what $data_until is, in place of what the tables say', instant)
    .addHelpText(
      'after',
      `
Examples:
  stoker dataset build readmission.yaml --to readmission-1
  stoker dataset build readmission.yaml --to readmission-2 --snapshot 7     the same rows, whenever it is done
  stoker dataset build readmission.yaml --to readmission-3 --as-of 12       as run 12 left the tables
  stoker dataset build readmission.yaml --to readmission-4 --as-of 2026-11-21 --json

A value of a feature that was known only after the index date ends the build, with the feature, how many there are and by
how many days. The same definition over the same tables gives the same bytes. stoker dataset examples has definitions to begin
with; schemas/dataset.schema.json says what each key means.`,
    )
    .action((file: string, _options, self: Command) => perform(() => build(file, self.opts<BuildCommandOptions>())))
  return withOriginOptions(command)
}

function checkCommand(perform: (action: Action) => Promise<void>): Command {
  const command = new Command('check')
    .description('find what is wrong with a definition: its keys, its SQL, its tables and columns; no row is read')
    .argument('<file>', 'the definition, YAML')
    .addHelpText(
      'after',
      `
Examples:
  stoker dataset check readmission.yaml                  against the newest snapshot, where there is a lake
  stoker dataset check readmission.yaml --lake lake
  stoker dataset check readmission.yaml --json           the columns it would have`,
    )
    .action((file: string, _options, self: Command) => perform(() => check(file, self.opts<DatasetOptions>())))
  return withOriginOptions(command)
}

function instant(text: string): Date {
  if (isInstant(text)) return new Date(text)
  throw new InvalidArgumentError('It must be an instant: 2026-11-21T14:30:00Z.')
}

function withOriginOptions(command: Command): Command {
  return withLakeOptions(command)
    .option('--snapshot <number>', 'over this snapshot, whatever the definition says', wholeNumber(1, 2 ** 31 - 1))
    .option('--as-of <run|time>', 'over the tables as that run left them, or at that time')
    .option('--json', 'as JSON on standard output')
}

async function build(file: string, options: BuildCommandOptions): Promise<number> {
  const definition = await readDataset(file, options, () => configuredCohorts(options))
  const folder = resolve(options.to)
  const place = (await placeOf(definition, options)) ?? missingLake(options)
  const stopping = () => process.stderr.write('\nstopping: no folder is made\n')
  return underLifecycle(stopping, async (signal) => {
    const onStep = (what: string) => void process.stderr.write(`${definition.name}: ${what}\n`)
    const { dataUntil } = options
    const card = await buildDataset(definition, {
      ...place,
      folder,
      dataUntil,
      stokerVersion: STOKER_VERSION,
      signal,
      onStep,
    })
    process.stdout.write(options.json ? `${JSON.stringify({ folder, ...card }, null, 2)}\n` : builtText(card, folder))
    return EXIT.done
  })
}

async function check(file: string, options: DatasetOptions): Promise<number> {
  const definition = await readDataset(file, options, () => configuredCohorts(options))
  const found = await placeOf(definition, options)
  const place = found ?? { lake: undefined, memoryLimitBytes: MEMORY_LIMIT_BYTES }
  const stopping = () => process.stderr.write('\nstopping\n')
  return underLifecycle(stopping, async (signal) => {
    const checked = await checkDataset(definition, { ...place, stokerVersion: STOKER_VERSION, signal })
    process.stdout.write(
      options.json ? jsonText({ name: definition.name, ...checked }) : checkedText(definition, checked),
    )
    return EXIT.done
  })
}

/** Undefined where there is no configuration, and nobody named one. */
async function configuredCohorts({ config }: DatasetOptions): Promise<CohortLibrary | undefined> {
  try {
    return await readCohorts(await cohortFolders(config))
  } catch (error) {
    if (config === 'stoker.yaml' && error instanceof StokerError && error.code === 'CONFIG_UNREADABLE') return undefined
    throw error
  }
}

/** Undefined where nobody named a lake and none is where one would be looked for. */
async function placeOf(
  { from }: DatasetDefinition,
  options: DatasetOptions,
): Promise<{ lake: Lake; memoryLimitBytes: number } | undefined> {
  try {
    return await lakeOf(options)
  } catch (error) {
    const isUnnamed = options.lake === undefined && options.config === 'stoker.yaml'
    const isNone = error instanceof StokerError && (error.code === 'CONFIG_UNREADABLE' || error.code === 'LAKE_NONE')
    if (!isUnnamed || !isNone) throw error
    // Past tables in a folder of their own need no lake.
    return from.kind === 'folder' ? { lake: new Lake(from.folder), memoryLimitBytes: MEMORY_LIMIT_BYTES } : undefined
  }
}

function missingLake({ config }: DatasetOptions): never {
  throw new StokerError('LAKE_NONE', `there is no ${config} here that names a lake with snapshots`, {
    hint: 'name one with --lake or --config; run stoker sync first',
  })
}

/** A definition made ready: looked through, its tables opened, its SELECTs bound to them. Nothing of the rows is read yet. */
import type { Lake } from '../../warehouse/lake.ts'
import { bindSelects, type BoundDataset } from './binding.ts'
import type { DatasetDefinition } from './definition.ts'
import { DatasetError } from './mistakes.ts'
import { dataUntil, openOrigin, type DataUntil, type OpenOrigin } from './origin.ts'
import type { Parameters, Sandbox } from './sandbox.ts'
import { DATA_UNTIL, readSelects } from './selects.ts'

export interface PrepareOptions {
  readonly lake: Lake
  /** For past tables that have to be made first. */
  readonly past: string
  /** A folder for what is written. */
  readonly output: string | undefined
  readonly memoryLimitBytes: number
  /** In place of what the tables say: {@link DataUntil.all}. */
  readonly dataUntil?: Date | undefined
  readonly stokerVersion: string
  readonly signal?: AbortSignal | undefined
  readonly onStep?: ((what: string) => void) | undefined
}

export interface Preparation {
  readonly bound: BoundDataset
  readonly origin: OpenOrigin
  /** Names of the tables that are read. */
  readonly tables: readonly string[]
  readonly until: DataUntil
  readonly parameters: Parameters
}

/**
 * The sandbox is sealed afterwards.
 * @throws DatasetError with all mistakes of the definition's SELECTs, and what {@link openOrigin} says
 */
export async function prepare(
  sandbox: Sandbox,
  definition: DatasetDefinition,
  options: PrepareOptions,
): Promise<Preparation> {
  const selects = await readSelects(sandbox, definition)
  const { from, file } = definition
  // Past tables take a while to make: not for SELECTs that can't be run.
  if (selects.mistakes.length > 0 && from.kind === 'as-of') throw mistaken(definition, selects.mistakes)
  const { lake, past: folder, memoryLimitBytes, stokerVersion, signal, onStep } = options
  const onTable = (name: string) => onStep?.(`making ${name} as of ${from.kind === 'as-of' ? from.when : file}`)
  const past = { folder, tables: selects.tables, memoryLimitBytes, stokerVersion, signal, onTable }
  const origin = await openOrigin(from, lake, past)
  try {
    const folders = options.output === undefined ? [origin.folder] : [origin.folder, options.output]
    await sandbox.mount(origin.tables, folders)
    const until = dataUntil(origin, selects.tables, options.dataUntil)
    const parameters = { ...definition.parameters, [DATA_UNTIL]: until.all }
    const { bound, mistakes } = await bindSelects(sandbox, definition, selects, parameters)
    const all = [...selects.mistakes, ...mistakes]
    if (bound === undefined || all.length > 0) throw mistaken(definition, all)
    await sandbox.seal()
    return { bound, origin, tables: selects.tables, until, parameters }
  } catch (error) {
    await origin.release()
    throw error
  }
}

function mistaken({ cohort }: DatasetDefinition, mistakes: DatasetError['mistakes']): DatasetError {
  const inOrder = [...mistakes].sort((a, b) =>
    a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line || a.column - b.column,
  )
  return new DatasetError(inOrder[0]?.file ?? cohort.place().file, inOrder)
}

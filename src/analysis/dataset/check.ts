/** A definition checked without a row being read: its SQL, and with a lake its tables, columns and types. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Lake } from '../../warehouse/lake.ts'
import type { DatasetColumn } from './columns.ts'
import type { DatasetDefinition } from './definition.ts'
import { DatasetError } from './mistakes.ts'
import type { OriginFacts } from './origin.ts'
import { prepare } from './preparation.ts'
import { Sandbox } from './sandbox.ts'
import { readSelects } from './selects.ts'

export interface CheckOptions {
  /** Undefined: nothing is known of tables. */
  readonly lake: Lake | undefined
  readonly memoryLimitBytes: number
  readonly stokerVersion: string
  readonly signal?: AbortSignal | undefined
}

export interface DatasetCheck {
  /** Names of the tables it reads. */
  readonly tables: readonly string[]
  /** Undefined where it was checked without tables. */
  readonly columns: readonly DatasetColumn[] | undefined
  readonly from: OriginFacts | undefined
}

/**
 * Tables as of a past run would have to be made first: such a definition is checked against the newest snapshot.
 * @throws DatasetError with all mistakes
 */
export async function checkDataset(definition: DatasetDefinition, options: CheckOptions): Promise<DatasetCheck> {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-dataset-'))
  const { lake, memoryLimitBytes, signal, stokerVersion } = options
  const sandbox = await Sandbox.open({ memoryLimitBytes, spill: folder, signal })
  try {
    const { from } = definition
    if (lake === undefined && from.kind !== 'folder') {
      const { tables, mistakes } = await readSelects(sandbox, definition)
      if (mistakes.length > 0) throw new DatasetError(mistakes[0]!.file, mistakes)
      return { tables, columns: undefined, from: undefined }
    }
    const standIn = from.kind === 'as-of' ? { kind: 'snapshot' as const, snapshot: undefined } : from
    const places = { lake: lake!, past: folder, output: undefined, memoryLimitBytes, stokerVersion, signal }
    const { bound, origin, tables } = await prepare(sandbox, { ...definition, from: standIn }, places)
    await origin.release()
    return { tables, columns: bound.columns, from: origin.facts }
  } finally {
    sandbox.close()
    await rm(folder, { recursive: true, force: true })
  }
}

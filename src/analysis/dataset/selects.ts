/** The SELECTs of a definition, each looked through by itself: what it reads, and whether it may. */
import type { DatasetDefinition, DatasetSelect } from './definition.ts'
import type { DatasetMistake } from './mistakes.ts'
import { nearestName } from '../../core/nearest-name.ts'
import type { Sandbox } from './sandbox.ts'
import { NO_TEXT, readSyntax } from './select-syntax.ts'

/** Ours: up to when the tables are complete. */
export const DATA_UNTIL = 'data_until'

export interface ReadSelect {
  readonly select: DatasetSelect
  /** Names of its parameters. */
  readonly parameters: readonly string[]
  readonly tables: readonly string[]
  /** Whether anything is wrong with it, so that it is not run. */
  readonly isSound: boolean
}

export interface ReadSelects {
  /** By {@link DatasetSelect.path}. */
  readonly by: ReadonlyMap<string, ReadSelect>
  /** All that they read, by name, sorted; without the cohort. */
  readonly tables: readonly string[]
  readonly mistakes: readonly DatasetMistake[]
}

export async function readSelects(sandbox: Sandbox, definition: DatasetDefinition): Promise<ReadSelects> {
  const unsteady = await sandbox.unsteadyFunctions()
  const by = new Map<string, ReadSelect>()
  const mistakes: DatasetMistake[] = []
  for (const select of [definition.cohort, definition.label, ...definition.features]) {
    if (NO_TEXT.test(select.sql)) {
      mistakes.push({
        ...select.place(),
        path: `${select.path}.sql`,
        problem: 'has characters that no text has',
        wayOut: 'Remove them.',
      })
      by.set(select.path, { select, parameters: [], tables: [], isSound: false })
      continue
    }
    const known = [...Object.keys(select.values ?? definition.parameters), DATA_UNTIL]
    const syntax = readSyntax(select, await sandbox.serialized(select.sql), unsteady)
    const unknown = syntax.parameters.filter((name) => !known.includes(name))
    mistakes.push(...syntax.mistakes, ...unknown.map((name) => unknownParameter(select, name, known)))
    const isSound = syntax.mistakes.length + unknown.length === 0
    by.set(select.path, { select, parameters: syntax.parameters, tables: syntax.tables, isSound })
  }
  const tables = new Set([...by.values()].flatMap((each) => each.tables))
  tables.delete('cohort')
  return { by, tables: [...tables].sort(), mistakes }
}

function unknownParameter(select: DatasetSelect, name: string, known: readonly string[]): DatasetMistake {
  const found = Buffer.from(select.sql).indexOf(`$${name}`)
  const nearest = nearestName(name, known)
  return {
    ...select.place(found < 0 ? undefined : found),
    path: `${select.path}.sql`,
    problem: `there is no parameter $${name}`,
    wayOut:
      nearest === undefined ? `Give it under parameters; $${DATA_UNTIL} is always there.` : `Did you mean $${nearest}?`,
  }
}

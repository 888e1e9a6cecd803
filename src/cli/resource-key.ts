/** The key of a resource as it is typed: `source/Type/id`, or less of it where the rest goes without saying. */
import { StokerError } from '../core/errors.ts'
import { nearestName } from '../core/nearest-name.ts'
import type { LineageTable } from '../ledger/lineage.ts'

export interface TypedKey {
  readonly source: string | undefined
  readonly type: string
  readonly id: string
}

/** @throws StokerError LINEAGE_TABLE when there is no such table, with the name that was probably meant */
export function chosenTable(name: string, tables: readonly LineageTable[]): LineageTable {
  const table = tables.find((each) => each.name === name)
  if (table !== undefined) return table
  const names = tables.map((each) => each.name)
  const near = nearestName(name, names)
  throw new StokerError('LINEAGE_TABLE', `there is no view table ${name}`, {
    hint:
      near !== undefined
        ? `did you mean ${near}?`
        : names.length === 0
          ? 'there is none yet: stoker sync makes them'
          : `there are: ${names.join(', ')}`,
  })
}

/** @throws StokerError LINEAGE_KEY when it is none, or of a type that the table is not made of */
export function typedKey(text: string, table: LineageTable, tables: readonly LineageTable[]): TypedKey {
  const [id, type = table.resource, source, ...others] = text.split('/').reverse()
  if (!id || type === '' || source === '' || others.length > 0) {
    throw new StokerError('LINEAGE_KEY', `no key of a resource: ${text}`, {
      hint: 'give _resource_key of a row (source/Type/id), or Type/id, or the id alone',
    })
  }
  if (type === table.resource) return { source, type, id }
  const of = tables.filter((each) => each.resource === type).map((each) => each.name)
  throw new StokerError('LINEAGE_KEY', `${table.name} is made of ${table.resource}, not of ${type}`, {
    hint: of.length === 0 ? `no table is made of ${type}` : `tables made of ${type}: ${of.join(', ')}`,
  })
}

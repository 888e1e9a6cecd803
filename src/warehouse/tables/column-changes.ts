/** What a changed view does to those who read its table by name: what it gains, and what it loses or gives another type. Pure. */
import { StokerError } from '../../core/errors.ts'
import { DELETED_COLUMN, type ViewColumn } from './view.ts'

export interface TableChange {
  readonly table: string
  /** The view is gone, and its table goes. */
  readonly isGone: boolean
  readonly gained: readonly string[]
  readonly lost: readonly string[]
  readonly retyped: readonly { readonly column: string; readonly from: string; readonly to: string }[]
}

type Column = Pick<ViewColumn, 'name' | 'type'>

/** The order of columns is no promise: they are read by name. */
export function columnChanges(
  table: string,
  before: readonly Column[],
  after: readonly Column[] | undefined,
): TableChange {
  const types = new Map((after ?? []).map(({ name, type }) => [name, type]))
  const known = new Set(before.map(({ name }) => name))
  return {
    table,
    isGone: after === undefined,
    gained: [...types.keys()].filter((name) => !known.has(name)),
    lost: before.map(({ name }) => name).filter((name) => !types.has(name)),
    retyped: before.flatMap(({ name, type }) => {
      const now = types.get(name) ?? type
      return now === type ? [] : [{ column: name, from: type, to: now }]
    }),
  }
}

export function breaksReaders({ isGone, lost, retyped }: TableChange): boolean {
  return isGone || lost.length + retyped.length > 0
}

/** What the setting does to every table is told once. */
function losesDeletions({ isGone, lost, retyped }: TableChange): boolean {
  return !isGone && retyped.length === 0 && lost.join() === DELETED_COLUMN.name
}

/** @throws StokerError VIEWS_BREAK_READERS naming every table and column that somebody may be reading. */
export function refuseBreaking(changes: readonly TableChange[]): void {
  const breaking = changes.filter(breaksReaders)
  if (breaking.length === 0) return
  const unkept = breaking.filter(losesDeletions)
  const lines = breaking
    .filter((change) => !unkept.includes(change))
    .flatMap(({ table, isGone, lost, retyped }) => [
      ...(isGone ? [`table ${table} goes: no view has its name`] : []),
      ...(isGone ? [] : lost.map((column) => `${table} loses ${column}`)),
      ...retyped.map(({ column, from, to }) => `${table}.${column} becomes ${to}, and is ${from}`),
    ])
  if (unkept.length > 0) {
    lines.push(`_deleted_at, and the rows of what is deleted, go from ${unkept.length} tables (deletions: remove)`)
  }
  throw new StokerError(
    'VIEWS_BREAK_READERS',
    `the tables would change so that queries over what is published may break:\n  ${lines.join('\n  ')}`,
    {
      hint: 'stoker rebuild --allow-breaking makes the change; or take it back; a changed view can have another name, beside the old one',
      facts: { tables: breaking.length },
    },
  )
}

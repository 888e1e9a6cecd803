/** What a sync did, as tables for people and as JSON for programs. */
import type { TypeCounts, ViewCounts } from '../ledger/books.ts'
import type { View } from '../warehouse/view.ts'
import type { RunOutcome } from '../worker/run.ts'
import { countText, durationText } from './figures.ts'
import { textTable } from './text-table.ts'

const COUNTS = ['received', 'inserted', 'updated', 'unchanged', 'deleted', 'rejected'] as const

/** One row a type: what came, what it changed, and the rows its view tables hold now. */
export function outcomeTable(outcome: RunOutcome, views: readonly View[]): string {
  const superseded = outcome.books.types.some((type) => type.superseded > 0)
  const columns = superseded
    ? (['received', 'inserted', 'updated', 'unchanged', 'superseded', 'deleted', 'rejected'] as const)
    : COUNTS
  const rows = new Map(outcome.books.views.map((view) => [view.view_table, view]))
  const table = textTable(
    [{ head: 'type' }, ...columns.map((head) => ({ head, align: 'right' as const })), { head: 'view tables (rows)' }],
    outcome.books.types.map((type) => [
      type.type,
      ...columns.map((column) => countText(type[column])),
      tablesText(type, views, rows),
    ]),
  )
  const ago = durationText(outcome.endedAt.getTime() - outcome.startedAt.getTime())
  const resumed = outcome.resumed ? ', begun earlier and finished now' : ''
  return `${outcome.source}: run ${outcome.run}, ${outcome.mode}${resumed}, ${ago}\n\n${table}${heldText(outcome.books.types)}`
}

function tablesText(type: TypeCounts, views: readonly View[], rows: ReadonlyMap<string, ViewCounts>): string {
  if (type.type.startsWith('(')) return ''
  const tables = views.filter((view) => view.resource === type.type)
  if (tables.length === 0) return 'no view: raw log and index only'
  return tables.map((view) => `${view.name} ${countText(rows.get(view.name)?.rows ?? 0)}`).join('\n')
}

function heldText(types: readonly TypeCounts[]): string {
  return types.flatMap(({ type, held }) => (held === null ? [] : [`held back: ${type}: ${held}\n`])).join('')
}

export function outcomeJson(outcome: RunOutcome): object {
  const { source, run, mode, resumed, snapshot, startedAt, endedAt, books } = outcome
  return { source, run, mode, resumed, snapshot, startedAt, endedAt, types: books.types, tables: books.views }
}

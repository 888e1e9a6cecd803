/** What a sync did, as tables for people and as JSON for programs. */
import type { LossCounts, TypeCounts, ViewCounts } from '../ledger/books.ts'
import type { View } from '../warehouse/tables/view.ts'
import type { RunOutcome } from '../worker/run.ts'
import { countText, durationText } from '../core/figures.ts'
import { lossText } from '../worker/finding-text.ts'
import { textTable } from './text-table.ts'

/** Of a view its table's name, and the type it is made of. */
export type ShownTable = Pick<View, 'name' | 'resource'>

const COUNTS = ['received', 'inserted', 'updated', 'unchanged', 'deleted', 'rejected'] as const

/** One row for each type that something came of, or changed: what, and the rows its view tables hold now. */
export function outcomeTable(outcome: RunOutcome, views: readonly ShownTable[]): string {
  const { types } = outcome.books
  const columns = types.some((type) => type.superseded > 0)
    ? (['received', 'inserted', 'updated', 'unchanged', 'superseded', 'deleted', 'rejected'] as const)
    : COUNTS
  const rows = new Map(outcome.books.views.map((view) => [view.view_table, view]))
  const shown = types.filter((type) => type.held !== null || columns.some((column) => type[column] > 0))
  const table = textTable(
    [{ head: 'type' }, ...columns.map((head) => ({ head, align: 'right' as const })), { head: 'view tables (rows)' }],
    shown.map((type) => [
      type.type,
      ...columns.map((column) => countText(type[column])),
      tablesText(type, views, rows),
    ]),
  )
  const ago = durationText(outcome.endedAt.getTime() - outcome.startedAt.getTime())
  const resumed = outcome.resumed ? ', begun earlier and finished now' : ''
  const head = `${outcome.source}: run ${outcome.run}, ${outcome.mode}${resumed}, ${ago}`
  const silent = types.filter((type) => !shown.includes(type)).map((type) => type.type)
  const nothing = silent.length === 0 ? '' : `nothing new: ${silent.join(', ')}\n`
  return `${head}\n\n${shown.length === 0 ? '' : table}${nothing}${heldText(types)}${lossesText(outcome.books.losses)}`
}

function tablesText(type: TypeCounts, views: readonly ShownTable[], rows: ReadonlyMap<string, ViewCounts>): string {
  if (type.type.startsWith('(')) return ''
  const tables = views.filter((view) => view.resource === type.type)
  if (tables.length === 0) return 'no view: raw log and index only'
  return tables.map((view) => `${view.name} ${countText(rows.get(view.name)?.rows ?? 0)}`).join('\n')
}

function heldText(types: readonly TypeCounts[]): string {
  return types.flatMap(({ type, held }) => (held === null ? [] : [`held back: ${type}: ${held}\n`])).join('')
}

const LOSSES_SHOWN = 10

/** An element that several columns read is told once. */
function lossesText(losses: readonly LossCounts[]): string {
  const texts = losses.map(({ view_table, column_name, element, wanted, count }) =>
    lossText({ place: `${view_table}: ${element ?? column_name}`, wanted, count }),
  )
  const lines = [...new Set(texts)]
  const shown = lines.slice(0, LOSSES_SHOWN).map((line) => `not in the table: ${line}\n`)
  const more = lines.length - shown.length
  return `${shown.join('')}${more > 0 ? `and ${more} more: stoker status\n` : ''}`
}

export function outcomeJson(outcome: RunOutcome): object {
  const { source, run, mode, resumed, snapshot, startedAt, endedAt, books } = outcome
  return {
    source,
    run,
    mode,
    resumed,
    snapshot,
    startedAt,
    endedAt,
    types: books.types,
    tables: books.views,
    losses: books.losses,
  }
}

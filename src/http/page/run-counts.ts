/** What a run changed: resources by type, rows by table. */
import { html } from 'hono/html'
import { countText } from '../../core/figures.ts'
import type { TypeCounts, ViewCounts } from '../../ledger/books.ts'
import type { RunDetails } from '../../ledger/run-details.ts'
import { badge } from './badge.ts'
import { dataTable } from './data-table.ts'
import type { Html } from './html.ts'

const COUNTS = ['received', 'inserted', 'updated', 'unchanged', 'superseded', 'deleted', 'rejected'] as const

export function countsSections({ run, types, tables }: RunDetails): Html | '' {
  if (run.committed_at === null) return ''
  const shown = types.filter((type) => type.held !== null || COUNTS.some((column) => type[column] > 0))
  const changed = tables.filter(({ rows_added, rows_removed }) => rows_added + rows_removed > 0)
  return html`<section aria-labelledby="types">
      <h2 id="types">Resources by type</h2>
      ${dataTable<TypeCounts>({
        caption: `Resources of run ${run.run} by type`,
        hidesCaption: true,
        rows: shown,
        empty: 'Nothing new of any type: the source holds what it held.',
        below: ({ held }) =>
          held === null ? undefined : html`${badge('warn', 'held back')} <span class="outside">${held}</span>`,
        columns: [
          { head: 'type', isName: true, cell: ({ type }) => type },
          ...COUNTS.map((column) => ({
            head: column,
            isFigure: true,
            cell: (type: TypeCounts) => countText(type[column]),
          })),
        ],
      })}
    </section>
    <section aria-labelledby="tables">
      <h2 id="tables">Rows by table</h2>
      ${dataTable<ViewCounts>({
        caption: `Rows of run ${run.run} by table`,
        hidesCaption: true,
        rows: changed,
        empty: 'No table changed.',
        columns: [
          {
            head: 'table',
            isName: true,
            cell: ({ view_table }) => html`<a href="/tables/${encodeURIComponent(view_table)}">${view_table}</a>`,
          },
          { head: 'rows removed', isFigure: true, cell: ({ rows_removed }) => countText(rows_removed) },
          { head: 'rows added', isFigure: true, cell: ({ rows_added }) => countText(rows_added) },
          { head: 'rows then', isFigure: true, cell: ({ rows }) => countText(rows) },
        ],
      })}
    </section>`
}

/** The data dictionary: every table, what it is made of, how much it holds. */
import { html } from 'hono/html'
import { bytesText, countText, plural } from '../../core/figures.ts'
import { dataTable } from './data-table.ts'
import { frame, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { moment } from './moment.ts'
import type { PageView } from './page-view.ts'
import { publishedTables, type PublishedTable } from './published-tables.ts'

/** @param search words of which a name, a resource type, a column or a description must have all; '' for every table */
export async function tablesPage(view: PageView, search: string): Promise<Html> {
  const tables = await publishedTables(view.deps)
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const found = tables.filter((table) => words.every((word) => textOf(table).includes(word)))
  const rows = tables.reduce((sum, table) => sum + (table.rows ?? 0), 0)
  const main = html` ${pageHead('Tables')}
    <p class="summary">
      ${plural(tables.length, 'table')}, ${plural(rows, 'row')} in the newest snapshot. Readers open
      <code>${view.deps.lake.catalog}</code> with DuckDB, or the Parquet files beside it.
    </p>
    <form class="filters" method="get" action="/tables" role="search">
      <label
        >Find
        <input
          type="search"
          name="search"
          value="${search}"
          placeholder="a table, column, type or word"
          data-filters="tables"
      /></label>
      <button type="submit">Find</button>
      <span class="quiet" role="status" data-filtered="tables"></span>
    </form>
    <div id="tables">
      ${dataTable<PublishedTable>({
        caption: 'Tables of the lake',
        hidesCaption: true,
        rows: found,
        empty:
          tables.length === 0
            ? 'No table is defined: the configuration names no views.'
            : html`No table has “${search}” in its name, type, columns or description.
                <a href="/tables">All tables</a>`,
        columns: [
          {
            head: 'table',
            isName: true,
            cell: ({ name }) => html`<a href="/tables/${encodeURIComponent(name)}">${name}</a>`,
          },
          { head: 'made of', cell: ({ resource }) => resource },
          {
            head: 'rows',
            isFigure: true,
            cell: ({ rows: number }) => (number === null ? 'not published yet' : countText(number)),
          },
          { head: 'columns', isFigure: true, cell: ({ columns }) => countText(columns.length) },
          { head: 'size', isFigure: true, cell: ({ bytes }) => (bytes === null ? undefined : bytesText(bytes)) },
          { head: 'last changed', cell: ({ changed_at }) => moment(changed_at, view.now) },
          {
            head: 'what it holds',
            cell: ({ name, description, columns }) =>
              html`<span class="prose" data-words="${[name, ...columns.map((column) => column.name)].join(' ')}"
                >${description}</span
              >`,
          },
        ],
      })}
    </div>`
  return frame(view, { title: 'Tables', main, scripts: ['filter.js'] })
}

function textOf({ name, resource, description, columns }: PublishedTable): string {
  return [name, resource, description ?? '', ...columns.map((column) => column.name)].join(' ').toLowerCase()
}

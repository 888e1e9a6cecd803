/** The data dictionary: every table, what it is made of, how much it holds. */
import { html } from 'hono/html'
import { bytesText, countText, plural } from '../../core/figures.ts'
import { tableColumns } from '../../warehouse/tables/view.ts'
import { tableLines, type TableLine } from '../tables.ts'
import { dataTable } from './data-table.ts'
import { frame, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { moment } from './moment.ts'
import type { PageView } from './page-view.ts'
import { prose } from './prose.ts'

/** @param search words of which a name, a resource type, a column or a description must have all; '' for every table */
export async function tablesPage(view: PageView, search: string): Promise<Html> {
  const lines = await tableLines(view.deps)
  const tables = lines.map((line) => ({ ...line, columnNames: columnNames(view, line.name) }))
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
      ${dataTable<SearchedTable>({
        caption: 'Tables of the lake',
        hidesCaption: true,
        isCompact: true,
        rows: found,
        empty:
          tables.length === 0
            ? 'No table is defined: the configuration names no views.'
            : html`No table has “${search}” in its name, type, columns or description.
                <a href="/tables">All tables</a>`,
        below: ({ columnNames: names, description }) =>
          html`<span class="prose" data-words="${names.join(' ')}">${prose(description)}</span>`,
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
            narrow: 'kept',
            cell: ({ rows: number }) => (number === null ? 'not published yet' : countText(number)),
          },
          { head: 'columns', isFigure: true, cell: ({ columns }) => countText(columns) },
          { head: 'size', isFigure: true, cell: ({ bytes }) => (bytes === null ? undefined : bytesText(bytes)) },
          { head: 'last changed', cell: ({ changed_at }) => changed_at && moment(changed_at, view.now) },
        ],
      })}
    </div>`
  return frame(view, { title: 'Tables', main, scripts: ['filter.js'] })
}

interface SearchedTable extends TableLine {
  readonly columnNames: readonly string[]
}

function columnNames({ deps }: PageView, table: string): string[] {
  const found = deps.views.find(({ name }) => name === table)
  return found === undefined ? [] : tableColumns(found).map(({ name }) => name)
}

function textOf({ name, resource, description, columnNames: names }: SearchedTable): string {
  return [name, resource, description ?? '', ...names].join(' ').toLowerCase()
}

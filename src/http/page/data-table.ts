/** A table with its caption, that becomes a card a row where the window is narrow. */
import { html } from 'hono/html'
import type { Html } from './html.ts'

/** False: there is none. */
export type Cell = Html | string | number | null | undefined | false

export interface Column<T> {
  readonly head: string
  readonly cell: (row: T) => Cell
  /** Figures stand at the right. */
  readonly isFigure?: boolean
  /** What names the row: a header of it, and the head of its card. */
  readonly isName?: boolean
  /** Where the window is narrow: words that need more room than a figure; left out; of a compact table, not left out. */
  readonly narrow?: 'wide' | 'gone' | 'kept'
}

export interface TableOptions<T> {
  /** Says what it is a table of; read out, and shown unless a heading above says the same. */
  readonly caption: string
  readonly hidesCaption?: boolean
  readonly columns: readonly Column<T>[]
  readonly rows: readonly T[]
  /** In place of a table without rows: what to do about it. */
  readonly empty: Html | string
  /** A line below a row's cells. */
  readonly below?: (row: T) => Html | undefined
  readonly rowId?: (row: T) => string
  /** Where the window is narrow, a row is a line of its name and of what is kept, and no card: for long lists. */
  readonly isCompact?: boolean
}

export function dataTable<T>(options: TableOptions<T>): Html {
  const { caption, hidesCaption, columns, rows, empty, isCompact } = options
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`
  return html`<div class="table-frame">
    <table class="cards${isCompact ? ' compact' : ''}">
      <caption class="${hidesCaption ? 'unseen' : ''}">
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(({ head, isFigure, narrow }) => html`<th scope="col" class="${isFigure ? 'figure' : (narrow ?? '')}">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map((row) => rowHtml(row, options))}
      </tbody>
    </table>
  </div>`
}

function rowHtml<T>(row: T, { columns, below, rowId }: TableOptions<T>): Html {
  const under = below?.(row)
  const id = rowId?.(row)
  return html`<tr${id === undefined ? '' : html` id="${id}"`} class="${under === undefined ? '' : 'has-below'}">${columns.map((column) => cellHtml(column, column.cell(row)))}</tr>${
    under === undefined
      ? ''
      : html`<tr class="below">
          <td colspan="${columns.length}">${under}</td>
        </tr>`
  }`
}

function cellHtml<T>({ head, isFigure, isName, narrow }: Column<T>, cell: Cell): Html {
  const isEmpty = cell === null || cell === undefined || cell === false || cell === ''
  const names = [isFigure ? 'figure' : '', narrow ?? '', isEmpty ? 'nothing' : '']
    .filter((name) => name !== '')
    .join(' ')
  if (isName) return html`<th scope="row" class="${names}">${cell}</th>`
  return html`<td class="${names}" data-label="${head}">${cell}</td>`
}

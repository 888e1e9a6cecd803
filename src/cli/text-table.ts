/** Tables for a terminal: aligned columns, a rule under the head, no boxes. */
import Table from 'cli-table3'

export type Cell = string | number

export interface TextColumn {
  readonly head: string
  readonly align?: 'left' | 'right'
}

/** Lines of text, ended by a line feed. A cell may have several lines. */
export function textTable(columns: readonly TextColumn[], rows: readonly (readonly Cell[])[]): string {
  const table = new Table({
    head: columns.map((column) => column.head),
    colAligns: columns.map((column) => column.align ?? 'left'),
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '─',
      'mid-mid': '──',
      right: '',
      'right-mid': '',
      middle: '  ',
    },
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) table.push([...row])
  return `${table.toString().replaceAll(/ +$/gm, '')}\n`
}

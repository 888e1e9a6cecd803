/** The books of a run's files: every line that came is accounted for. */
import { html } from 'hono/html'
import { countText } from '../../core/figures.ts'
import type { FileDetails, RunDetails } from '../../ledger/run-details.ts'
import { badge } from './badge.ts'
import { dataTable } from './data-table.ts'
import type { Html } from './html.ts'

interface Book {
  readonly what: string
  readonly files: number
  readonly lines: number
  readonly resources: number
  readonly rejects: number
  readonly headers: number
  readonly blanks: number
}

const COUNTS = ['lines', 'resources', 'rejects', 'headers', 'blanks'] as const

export function booksSection({ run, files }: RunDetails): Html | '' {
  const landed = files.filter(({ state }) => state === 'landed')
  if (landed.length === 0) return ''
  return html`<section aria-labelledby="books">
    <h2 id="books">Books</h2>
    <p class="quiet">Every line is accounted for: lines = resources + rejects + headers + blanks.</p>
    ${dataTable<Book>({
      caption: `Books of run ${run.run}`,
      hidesCaption: true,
      rows: booksOf(landed),
      empty: '',
      columns: [
        { head: 'files of', isName: true, cell: ({ what }) => what },
        { head: 'files', isFigure: true, cell: ({ files: number }) => countText(number) },
        ...COUNTS.map((column) => ({ head: column, isFigure: true, cell: (book: Book) => countText(book[column]) })),
        {
          head: 'agrees',
          cell: ({ lines, resources, rejects, headers, blanks }) =>
            lines === resources + rejects + headers + blanks
              ? badge('ok', 'yes')
              : badge('bad', `${countText(Math.abs(lines - resources - rejects - headers - blanks))} lines off`),
        },
      ],
    })}
  </section>`
}

/** A line for each type, and one for all where there are several. */
function booksOf(files: readonly FileDetails[]): Book[] {
  const byType = new Map<string, FileDetails[]>()
  for (const file of files) {
    const what = file.kind === 'output' ? (file.type ?? '(mixed)') : `(${file.kind})`
    byType.set(what, [...(byType.get(what) ?? []), file])
  }
  const books = [...byType].sort(([a], [b]) => a.localeCompare(b)).map(([what, those]) => bookOf(what, those))
  return books.length > 1 ? [...books, bookOf('all', files)] : books
}

function bookOf(what: string, files: readonly FileDetails[]): Book {
  const sum = (column: (typeof COUNTS)[number]) => files.reduce((total, file) => total + (file[column] ?? 0), 0)
  const [lines, resources, rejects, headers, blanks] = COUNTS.map(sum) as [number, number, number, number, number]
  return { what, files: files.length, lines, resources, rejects, headers, blanks }
}

/** The books of a run's files: every line that came is accounted for. */
import { html } from 'hono/html'
import { countText, plural } from '../../core/figures.ts'
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

/** Books that agree are told in a line, and the rest of them to who unfolds it. */
export function booksSection({ run, files }: RunDetails): Html | '' {
  const landed = files.filter(({ state }) => state === 'landed')
  if (landed.length === 0) return ''
  const books = booksOf(landed)
  const all = books.at(-1)!
  const wrong = books.some((book) => offBy(book) !== 0)
  return html`<section aria-labelledby="books">
    <h2 id="books">Books</h2>
    <p>
      ${wrong ? badge('bad', 'They do not agree') : badge('ok', 'They agree')}: ${plural(all.lines, 'line')} =
      ${plural(all.resources, 'resource')} + ${plural(all.rejects, 'reject')} + ${plural(all.headers, 'header')} +
      ${plural(all.blanks, 'blank')}
    </p>
    <details class="figures" ${wrong ? html`open` : ''}>
      <summary>The same by type</summary>
      ${booksTable(books, run.run)}
    </details>
  </section>`
}

function booksTable(books: readonly Book[], run: number): Html {
  return dataTable<Book>({
    caption: `Books of run ${run}`,
    hidesCaption: true,
    rows: books,
    empty: '',
    columns: [
      { head: 'files of', isName: true, cell: ({ what }) => what },
      { head: 'files', isFigure: true, cell: ({ files }) => countText(files) },
      ...COUNTS.map((column) => ({ head: column, isFigure: true, cell: (book: Book) => countText(book[column]) })),
      {
        head: 'agrees',
        cell: (book) =>
          offBy(book) === 0 ? badge('ok', 'yes') : badge('bad', `${plural(Math.abs(offBy(book)), 'line')} off`),
      },
    ],
  })
}

function offBy({ lines, resources, rejects, headers, blanks }: Book): number {
  return lines - resources - rejects - headers - blanks
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

/** One table: its columns, what the last runs did to it, what it lacks. */
import { html } from 'hono/html'
import { bytesText, countText } from '../../core/figures.ts'
import { sqlText } from '../../core/sql.ts'
import type { LossCounts } from '../../ledger/books.ts'
import { lossText } from '../../worker/finding-text.ts'
import { tableDetails, type TableColumn } from '../tables.ts'
import { dataTable } from './data-table.ts'
import { facts } from './facts.ts'
import { frame, onPage, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { moment } from './moment.ts'
import type { PageView } from './page-view.ts'
import { prose } from './prose.ts'

const RUNS_SHOWN = 20
/** With more columns than these, what stands below them is out of sight. */
const COLUMNS_SEEN = 15

interface TableRun {
  readonly run: number
  readonly source: string
  readonly committed_at: Date
  readonly rows_removed: number
  readonly rows_added: number
  readonly rows: number
}

/** Undefined where no view makes such a table. */
export async function tablePage(view: PageView, name: string): Promise<Html | undefined> {
  const { deps, now } = view
  const table = await tableDetails(deps, name)
  if (table === undefined) return undefined
  const hash = deps.views.find((each) => each.name === name)?.hash
  const runs = await deps.ask<TableRun>(`
    SELECT v.run, r.source, r.committed_at, v.rows_removed, v.rows_added, v.rows
    FROM stoker.run_view AS v JOIN stoker.run AS r USING (run)
    WHERE v.view_table = ${sqlText(name)} AND v.rows_removed + v.rows_added > 0
    ORDER BY r.commit_number DESC LIMIT ${RUNS_SHOWN}`)
  const lost = await losses(view, name)
  const main = html` ${pageHead(html`<span class="of"><a href="/tables">Tables</a> /</span> ${name}`)}
    ${table.description === null ? '' : html`<p class="prose">${prose(table.description)}</p>`}
    ${facts([
      ['made of', table.resource],
      ['rows', table.rows === null ? 'not published yet' : countText(table.rows)],
      ['size', table.bytes === null ? undefined : bytesText(table.bytes)],
      ['last changed', table.changed_at && moment(table.changed_at, now)],
      ['columns', countText(table.columns.length)],
      ['hash of its view', hash && html`<code title="${hash}">${hash.slice(0, 12)}</code>`],
    ])}
    ${
      table.columns.length <= COLUMNS_SEEN
        ? ''
        : onPage([
            { id: 'columns', word: 'columns' },
            ...(lost.length === 0 ? [] : [{ id: 'losses', word: 'values it lacks' }]),
            { id: 'changes', word: 'changed by' },
          ])
    }
    <section aria-labelledby="columns">
      <h2 id="columns">Columns</h2>
      ${columnsTable(name, table.columns)}
    </section>
    ${lossesList(lost)}
    <section aria-labelledby="changes">
      <h2 id="changes">Changed by</h2>
      ${dataTable<TableRun>({
        caption: `Runs that changed ${name}`,
        hidesCaption: true,
        rows: runs,
        empty: 'No run put a row into it yet.',
        columns: [
          {
            head: 'run',
            isName: true,
            cell: ({ run }) => html`<a href="/runs/${run}"><span class="run-word">Run </span>${run}</a>`,
          },
          {
            head: 'source',
            cell: ({ source }) => html`<a href="/sources/${encodeURIComponent(source)}">${source}</a>`,
          },
          { head: 'committed', cell: ({ committed_at }) => moment(committed_at, now) },
          { head: 'rows removed', isFigure: true, cell: ({ rows_removed }) => countText(rows_removed) },
          { head: 'rows added', isFigure: true, cell: ({ rows_added }) => countText(rows_added) },
          { head: 'rows then', isFigure: true, cell: ({ rows }) => countText(rows) },
        ],
      })}
    </section>`
  return frame(view, { title: name, main })
}

function columnsTable(table: string, columns: readonly TableColumn[]): Html {
  return dataTable<TableColumn>({
    caption: `Columns of ${table}`,
    hidesCaption: true,
    isCompact: true,
    rows: columns,
    empty: '',
    columns: [
      { head: 'column', isName: true, cell: ({ name }) => html`<code>${name}</code>` },
      { head: 'type', narrow: 'kept', cell: ({ type }) => html`<code>${type}</code>` },
      {
        head: 'what it holds',
        narrow: 'kept',
        cell: ({ description }) => html`<span class="prose">${prose(description)}</span>`,
      },
    ],
  })
}

/** Of the last committed run of each source. */
async function losses({ deps }: PageView, table: string): Promise<LossCounts[]> {
  return deps.ask<LossCounts>(`
    SELECT view_table, column_name, element, wanted, max(count)::BIGINT AS count FROM stoker.run_loss
    WHERE view_table = ${sqlText(table)}
      AND run IN (SELECT max(run) FROM stoker.run WHERE committed_at IS NOT NULL GROUP BY source)
    GROUP BY ALL ORDER BY ALL`)
}

function lossesList(found: readonly LossCounts[]): Html | '' {
  if (found.length === 0) return ''
  const lines = found.map(({ column_name, element, wanted, count }) =>
    lossText({ place: element ?? column_name ?? '', wanted, count }),
  )
  return html`<section aria-labelledby="losses">
    <h2 id="losses">Values that the last runs could not put into it</h2>
    <ul class="remarks">
      ${[...new Set(lines)].map((line) => html`<li class="outside">${line}</li>`)}
    </ul>
  </section>`
}

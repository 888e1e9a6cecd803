/** Runs in a table, each with its error below it. */
import { html } from 'hono/html'
import { bytesText, countText, plural } from '../../core/figures.ts'
import type { RunLine } from '../../ledger/run-details.ts'
import { tookText } from '../../ledger/run-state.ts'
import { badge, runBadge } from './badge.ts'
import { dataTable, type Column } from './data-table.ts'
import type { Html } from './html.ts'
import { moment } from './moment.ts'
import type { PageView } from './page-view.ts'

export interface RunsTableOptions {
  readonly caption: string
  readonly empty: Html | string
  /** All of one source, which the page names. */
  readonly isOfOne?: boolean
}

export function runsTable(
  { deps, now }: PageView,
  runs: readonly RunLine[],
  { caption, empty, isOfOne }: RunsTableOptions,
): Html {
  const running = new Set(
    deps.control.sources().flatMap(({ progress }) => (progress === undefined ? [] : [progress.run])),
  )
  const source: Column<RunLine> = {
    head: 'source',
    narrow: 'wide',
    cell: ({ source: name }) => html`<a href="/sources/${encodeURIComponent(name)}">${name}</a>`,
  }
  const count = (value: number) => (value === 0 ? '0' : countText(value))
  return dataTable({
    caption,
    hidesCaption: true,
    rows: runs,
    empty,
    below: remark,
    columns: [
      {
        head: 'run',
        isName: true,
        cell: ({ run }) => html`<a href="/runs/${run}"><span class="run-word">Run </span>${run}</a>`,
      },
      ...(isOfOne ? [] : [source]),
      { head: 'state', cell: (run) => runBadge(run, running.has(run.run)) },
      { head: 'mode', narrow: 'gone', cell: ({ mode }) => mode },
      { head: 'started', cell: ({ started_at }) => moment(started_at, now) },
      { head: 'took', isFigure: true, cell: (run) => tookText(run) },
      { head: 'files', isFigure: true, cell: ({ files }) => count(files) },
      { head: 'received', isFigure: true, cell: ({ bytes }) => bytesText(bytes) },
      { head: 'changed', isFigure: true, cell: ({ changed }) => count(changed) },
      {
        head: 'rejects',
        isFigure: true,
        cell: ({ run, rejects }) =>
          rejects === 0
            ? '0'
            : html`<a href="/runs/${run}#rejects"
                >${count(rejects)}<span class="unseen"> rejects of run ${run}</span></a
              >`,
      },
    ],
  })
}

function remark({ run, error_code, error_message, held }: RunLine): Html | undefined {
  if (error_code === null && held === 0) return undefined
  return html`${
    error_code === null
      ? ''
      : html`<p class="brief outside">
          <a href="/runs/${run}"><code class="cause">${error_code}</code></a> ${error_message}
        </p>`
  }
  ${held === 0 ? '' : html`${badge('warn', '')}<a href="/runs/${run}">${plural(held, 'type')} held back</a>`}`
}

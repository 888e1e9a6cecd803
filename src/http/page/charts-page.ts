/** Freshness, changes, bytes, durations and rows over time: drawn where a script runs, in a table everywhere. */
import { html, raw } from 'hono/html'
import { bytesText, countText, durationText, plural } from '../../core/figures.ts'
import { history } from '../history.ts'
import { changedBy, chartsOf, isCommitted, type Chart, type CommittedRun } from './chart-data.ts'
import { dataTable } from './data-table.ts'
import { frame, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { instant } from './moment.ts'
import type { PageView } from './page-view.ts'

const DAYS = [1, 7, 30, 90, 365] as const
const RUNS_LISTED = 200

export function daysAskedFor(text: string | undefined): number {
  return DAYS.find((each) => String(each) === text) ?? 30
}

export async function chartsPage(view: PageView, days: number): Promise<Html> {
  const { deps, now } = view
  const past = await history(deps.ask, { days, now })
  const charts = chartsOf(past)
  const main = html` ${pageHead('Charts')}
    <form class="filters" method="get" action="/charts" data-sends-itself>
      <label
        >Over
        <select name="days">
          ${DAYS.map((each) => html`<option value="${each}" ${each === days ? html` selected` : ''}>${each === 1 ? 'the last day' : `the last ${each} days`}</option>`)}
        </select>
      </label>
      <button type="submit">Show</button>
    </form>
    ${
      charts.length === 0
        ? html`<p class="empty">
            No run committed in this time. Choose a longer one above, or begin a run among <a href="/">the sources</a>.
          </p>`
        : html`<noscript
              ><p class="empty">Charts are drawn by a script; the table below has the same figures.</p></noscript
            >
            ${dataBlock('chart-data', charts)}
            <div class="charts">${charts.map(figureHtml)}</div>
            ${runsListed(past.runs.filter(isCommitted))}`
    }`
  return frame(view, { title: 'Charts', main, scripts: charts.length === 0 ? [] : ['charts.js'] })
}

/** `data-keep`: drawn by a script, which nothing else may change. */
export function figureHtml({ id, title }: Pick<Chart, 'id' | 'title'>): Html {
  return html`<figure class="chart" aria-labelledby="title-${id}">
    <figcaption id="title-${id}">${title}</figcaption>
    <div id="chart-${id}" data-chart="${id}" data-keep><p class="quiet loading">Drawing…</p></div>
  </figure>`
}

/** JSON that no browser runs. Nothing in it can end the element: every `<` is written as its escape. */
export function dataBlock(id: string, value: unknown): Html {
  return html`<script type="application/json" id="${id}">
    ${raw(JSON.stringify(value).replaceAll('<', '\\u003c'))}
  </script>`
}

function runsListed(runs: readonly CommittedRun[]): Html {
  const newest = [...runs].sort((a, b) => b.committed_at.getTime() - a.committed_at.getTime()).slice(0, RUNS_LISTED)
  return html`<details class="figures">
    <summary>The same as figures: ${plural(runs.length, 'run')} that committed</summary>
    ${dataTable<CommittedRun>({
      caption: 'Runs that committed, newest first',
      hidesCaption: true,
      rows: newest,
      empty: '',
      columns: [
        {
          head: 'run',
          isName: true,
          cell: ({ run }) => html`<a href="/runs/${run}"><span class="run-word">Run </span>${run}</a>`,
        },
        { head: 'source', cell: ({ source }) => source },
        { head: 'committed', cell: ({ committed_at }) => instant(committed_at) },
        { head: 'changed', isFigure: true, cell: (run) => countText(changedBy(run)) },
        { head: 'received', isFigure: true, cell: ({ bytes }) => bytesText(bytes) },
        { head: 'took', isFigure: true, cell: ({ seconds }) => seconds !== null && durationText(seconds * 1000) },
        {
          head: 'data then was',
          isFigure: true,
          cell: ({ age_seconds }) => age_seconds !== null && `${durationText(Math.max(0, age_seconds * 1000))} old`,
        },
      ],
    })}
    ${runs.length > RUNS_LISTED ? html`<p class="quiet">The newest ${RUNS_LISTED} of ${countText(runs.length)}.</p>` : ''}
  </details>`
}

/** Runs, newest first, of a source or of all, those that failed alone or all. */
import { html } from 'hono/html'
import { LAKE_SOURCES_SQL, type LakeSource } from '../../app/former-sources.ts'
import { countText } from '../../core/figures.ts'
import { runLines } from '../../ledger/run-details.ts'
import { frame, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import type { PageView } from './page-view.ts'
import { runsTable } from './runs-table.ts'

export interface RunsAskedFor {
  readonly source: string | undefined
  readonly failed: boolean
  readonly limit: number
}

const LIMITS = [20, 100, 500] as const

/** From the query of an address: what is not understood counts as not said. */
export function runsAskedFor(query: Readonly<Record<string, string | undefined>>): RunsAskedFor {
  const limit = LIMITS.find((each) => String(each) === query.limit)
  return {
    source: query.source === undefined || query.source === '' ? undefined : query.source,
    failed: query.failed !== undefined && query.failed !== '',
    limit: limit ?? LIMITS[0],
  }
}

export async function runsPage(view: PageView, asked: RunsAskedFor): Promise<Html> {
  const { ask, control } = view.deps
  const { source, failed, limit } = asked
  const runs = await runLines(ask, { ...(source !== undefined && { sources: [source] }), failed, limit })
  const inLake = (await ask<LakeSource>(LAKE_SOURCES_SQL)).map((each) => each.source)
  const names = [...new Set([...control.sources().map(({ name }) => name), ...inLake])]
  const main = html` ${pageHead('Runs')} ${filters(names, asked)}
  ${runsTable(view, runs, { caption: captionOf(asked), empty: emptyText(asked) })}
  ${runs.length < limit ? '' : html`<p class="quiet">These are the newest ${countText(limit)}. More: choose above how many are shown.</p>`}`
  return frame(view, {
    title: 'Runs',
    main,
    isLively: control.sources().some(({ progress }) => progress !== undefined),
  })
}

function captionOf({ source, failed }: RunsAskedFor): string {
  return `${failed ? 'Runs that failed, were cancelled or were stopped by an error' : 'Runs'}${source === undefined ? '' : ` of ${source}`}, newest first`
}

function emptyText({ source, failed }: RunsAskedFor): Html {
  const of = source === undefined ? '' : ` of ${source}`
  if (failed) return html`No run${of} failed, was cancelled, or was stopped by an error. <a href="/runs">All runs</a>`
  return html`There is no run${of} yet. <a href="/">A source’s “Sync now”</a> begins the first.`
}

function filters(names: readonly string[], { source, failed, limit }: RunsAskedFor): Html {
  return html`<form class="filters" method="get" action="/runs" data-sends-itself>
    <label
      >Source
      <select name="source">
        <option value="">all</option>
        ${names.map((name) => html`<option value="${name}" ${name === source ? html` selected` : ''}>${name}</option>`)}
      </select>
    </label>
    <label
      >Show
      <select name="limit">
        ${LIMITS.map((each) => html`<option value="${each}" ${each === limit ? html` selected` : ''}>the newest ${each}</option>`)}
      </select>
    </label>
    <label class="check"
      ><input type="checkbox" name="failed" value="yes" ${failed ? html` checked` : ''} /> only failed, cancelled or
      stopped</label
    >
    <button type="submit">Show</button>
  </form>`
}

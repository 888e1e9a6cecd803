/** Runs, newest first, of a source or of all, those that failed alone or all. */
import { html } from 'hono/html'
import { lakeSources } from '../../ledger/lake-sources.ts'
import { runLines } from '../../ledger/run-details.ts'
import { frame, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import type { PageView } from './page-view.ts'
import { runsTable } from './runs-table.ts'

export interface RunsAskedFor {
  readonly source: string | undefined
  readonly failed: boolean
  readonly limit: number
  /** Older ones than this. */
  readonly before: number | undefined
}

const LIMITS = [20, 100, 500] as const

/** From the query of an address: what is not understood counts as not said. */
export function runsAskedFor(query: Readonly<Record<string, string | undefined>>): RunsAskedFor {
  const limit = LIMITS.find((each) => String(each) === query.limit)
  return {
    source: query.source === undefined || query.source === '' ? undefined : query.source,
    failed: query.failed !== undefined && query.failed !== '',
    limit: limit ?? LIMITS[0],
    before: /^\d{1,9}$/.test(query.before ?? '') ? Number(query.before) : undefined,
  }
}

export async function runsPage(view: PageView, asked: RunsAskedFor): Promise<Html> {
  const { ask, control } = view.deps
  const { source, failed, limit, before } = asked
  // One more: whether there are older ones.
  const found = await runLines(ask, {
    ...(source !== undefined && { sources: [source] }),
    ...{ failed, before, limit: limit + 1 },
  })
  const runs = found.slice(0, limit)
  const inLake = await lakeSources(ask)
  const names = [...new Set([...control.sources().map(({ name }) => name), ...inLake])]
  const main = html` ${pageHead('Runs')} ${filters(names, asked)}
  ${runsTable(view, runs, { caption: captionOf(asked), empty: emptyText(asked) })}
  ${pages(asked, found.length > limit ? runs.at(-1)?.run : undefined)}`
  return frame(view, {
    title: 'Runs',
    main,
    isLively: control.sources().some(({ progress }) => progress !== undefined),
  })
}

/** By the oldest run that is shown: a run that begins meanwhile moves nothing. */
function pages(asked: RunsAskedFor, next: number | undefined): Html | '' {
  if (next === undefined && asked.before === undefined) return ''
  return html`<nav aria-label="Pages of runs">
    <p>
      ${asked.before === undefined ? '' : html`<a href="${addressOf(asked, undefined)}">The newest runs</a>`}
      ${next === undefined ? '' : html`<a href="${addressOf(asked, next)}" rel="next">Older runs</a>`}
    </p>
  </nav>`
}

function addressOf({ source, failed, limit }: RunsAskedFor, before: number | undefined): string {
  const query = new URLSearchParams({
    ...(source !== undefined && { source }),
    ...(limit !== LIMITS[0] && { limit: String(limit) }),
    ...(failed && { failed: 'yes' }),
    ...(before !== undefined && { before: String(before) }),
  })
  return query.size === 0 ? '/runs' : `/runs?${query.toString()}`
}

function captionOf({ source, failed, before }: RunsAskedFor): string {
  return `${failed ? 'Runs that failed, were cancelled or were stopped by an error' : 'Runs'}${source === undefined ? '' : ` of ${source}`}${before === undefined ? '' : ` before run ${before}`}, newest first`
}

function emptyText({ source, failed, before }: RunsAskedFor): Html {
  const of = source === undefined ? '' : ` of ${source}`
  if (before !== undefined) return html`There is no older run${of}. <a href="/runs">The newest runs</a>`
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
        ${LIMITS.map((each) => html`<option value="${each}" ${each === limit ? html` selected` : ''}>${each} on a page</option>`)}
      </select>
    </label>
    <label class="check"
      ><input type="checkbox" name="failed" value="yes" ${failed ? html` checked` : ''} /> only failed, cancelled or
      stopped</label
    >
    <button type="submit">Show</button>
  </form>`
}

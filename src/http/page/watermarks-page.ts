/** Up to when each type of each source is in, the oldest first: where data lags, and why. */
import { html } from 'hono/html'
import { countText } from '../../core/figures.ts'
import type { TypeOverview } from '../../ledger/overview.ts'
import { badge } from './badge.ts'
import { dataTable } from './data-table.ts'
import { frame, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { age, instant } from './moment.ts'
import type { PageView } from './page-view.ts'
import { sourceGlances, type SourceGlance } from './source-glance.ts'

interface WatermarkLine extends TypeOverview {
  /** Why it stands; undefined where the last run moved it. */
  readonly held: string | undefined
}

export async function watermarksPage(view: PageView): Promise<Html> {
  const { deps, now } = view
  const glances = await sourceGlances(deps.ask, deps.control.sources())
  const withSome = glances.filter(({ types }) => types.length > 0)
  const main = html` ${pageHead('Watermarks')}
    <p class="summary">
      Of each type all that the server had at that time is in; the next run asks for what changed since.
    </p>
    ${lacking(glances.filter(({ types }) => types.length === 0))}
    ${withSome.map(({ name, types, held }) => {
      const reasons = new Map(held.map(({ type, what }) => [type, what]))
      const lines = types.map((type) => ({ ...type, held: reasons.get(type.type) })).sort(oldestFirst)
      return html`<section aria-labelledby="of-${name}">
        <h2 id="of-${name}"><a href="/sources/${encodeURIComponent(name)}">${name}</a></h2>
        ${linesTable(name, lines, now)}
      </section>`
    })}`
  return frame(view, { title: 'Watermarks', main })
}

function lacking(glances: readonly SourceGlance[]): Html | '' {
  if (glances.length === 0) return ''
  const names = glances.map(
    ({ name }, i) => html`${i === 0 ? '' : ', '}<a href="/sources/${encodeURIComponent(name)}">${name}</a>`,
  )
  return html`<p class="empty">Nothing was committed yet, and the next run asks for everything, of: ${names}</p>`
}

/** None is older than any; one that is held comes before one that is not. */
function oldestFirst(a: WatermarkLine, b: WatermarkLine): number {
  return (
    Number(b.held !== undefined) - Number(a.held !== undefined) ||
    (a.watermark?.getTime() ?? 0) - (b.watermark?.getTime() ?? 0) ||
    a.type.localeCompare(b.type)
  )
}

function linesTable(source: string, lines: readonly WatermarkLine[], now: Date): Html {
  return dataTable<WatermarkLine>({
    caption: `Watermarks of ${source}`,
    hidesCaption: true,
    rows: lines,
    empty: '',
    below: ({ held }) => (held === undefined ? undefined : html`<span class="outside">${held}</span>`),
    columns: [
      { head: 'type', isName: true, cell: ({ type }) => type },
      {
        head: 'as of',
        cell: ({ watermark }) => (watermark === null ? 'none: the next run asks for everything' : instant(watermark)),
      },
      { head: 'age', isFigure: true, cell: ({ watermark }) => watermark && age(watermark, now) },
      { head: 'resources', isFigure: true, cell: ({ resources }) => countText(resources) },
      { head: 'deletions known', isFigure: true, cell: ({ deleted }) => countText(deleted) },
      {
        head: 'last run',
        cell: ({ held, watermark }) =>
          held !== undefined ? badge('warn', 'held back') : watermark === null ? '' : badge('ok', 'moved'),
      },
    ],
  })
}

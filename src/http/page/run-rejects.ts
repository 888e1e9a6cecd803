/** Lines of a run that could not be used, by reason: how many, where the first is, where their text lies. Never the text. */
import { html } from 'hono/html'
import { countText, plural } from '../../core/figures.ts'
import type { RejectCount, RunDetails } from '../../ledger/run-details.ts'
import { dataTable } from './data-table.ts'
import type { Html } from './html.ts'

const PLACES_SHOWN = 5

interface Reason {
  readonly reason: string
  readonly count: number
  /** The file with the first of them in front. */
  readonly places: readonly RejectCount[]
}

/** @param rejectsFile where the text of a file's rejects lies in the lake; undefined where it is not there any more */
export function rejectsSection(
  { rejects, files, run }: RunDetails,
  rejectsFile: (file: number) => string | undefined,
): Html | '' {
  if (rejects.length === 0) return ''
  const types = new Map(files.map(({ file, type, kind }) => [file, kind === 'output' ? type : `(${kind})`]))
  return html`<section aria-labelledby="rejects">
    <h2 id="rejects">Rejects</h2>
    <p class="quiet">
      Lines that are no usable resource. Their text may be about patients and is not shown: it lies in the lake, in the
      files named here, for those who may read it.
    </p>
    ${dataTable<Reason>({
      caption: `Rejects of run ${run.run} by reason`,
      hidesCaption: true,
      rows: byReason(rejects),
      empty: '',
      columns: [
        { head: 'reason', isName: true, cell: ({ reason }) => reason },
        { head: 'lines', isFigure: true, cell: ({ count }) => countText(count) },
        { head: 'where they begin', cell: ({ places }) => placesHtml(places) },
      ],
    })}
  </section>`

  function placesHtml(places: readonly RejectCount[]): Html {
    const more = places.length - PLACES_SHOWN
    return html`<ul class="places">
      ${places.slice(0, PLACES_SHOWN).map(({ file, count, first_line, first_byte_offset }) => {
        const path = rejectsFile(file)
        return html`<li>
          <a href="#file-${file}">File ${file}</a> ${types.get(file)}: line ${countText(first_line)}, byte
          ${countText(first_byte_offset)}${count > 1 ? `, and ${countText(count - 1)} more` : ''}${path === undefined ? '' : html`<br /><code class="address">${path}</code>`}
        </li>`
      })}${more > 0 ? html`<li>… in ${plural(more, 'file')} more</li>` : ''}
    </ul>`
  }
}

/** What is most often comes first. */
function byReason(rejects: readonly RejectCount[]): Reason[] {
  const reasons = new Map<string, RejectCount[]>()
  for (const each of rejects) reasons.set(each.reason, [...(reasons.get(each.reason) ?? []), each])
  return [...reasons]
    .map(([reason, places]) => ({ reason, places, count: places.reduce((sum, { count }) => sum + count, 0) }))
    .sort((a, b) => b.count - a.count)
}

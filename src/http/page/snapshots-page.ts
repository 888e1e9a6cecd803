/** What was published, by what, and whether it is still there. */
import { html } from 'hono/html'
import { bytesText, countText } from '../../core/figures.ts'
import { snapshotLines, type SnapshotLine } from '../../ledger/snapshots.ts'
import { badge } from './badge.ts'
import { dataTable } from './data-table.ts'
import { frame, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { moment } from './moment.ts'
import type { PageView } from './page-view.ts'

const SNAPSHOTS_SHOWN = 200

export async function snapshotsPage(view: PageView): Promise<Html> {
  const { deps, now } = view
  const snapshots = await snapshotLines(deps.ask, SNAPSHOTS_SHOWN)
  const main = html` ${pageHead('Snapshots')}
    <p class="summary">
      What readers see: each is whole, and does not change. A table that did not change is shared with the snapshot
      before, and takes no room a second time.
    </p>
    ${dataTable<SnapshotLine>({
      caption: 'Snapshots, newest first',
      hidesCaption: true,
      isCompact: true,
      rows: snapshots,
      empty: html`Nothing is published yet: the first run that commits publishes the first.
        <a href="/">To the sources</a>`,
      rowId: ({ snapshot }) => `snapshot-${snapshot}`,
      columns: [
        {
          head: 'snapshot',
          isName: true,
          cell: ({ snapshot }) => html`<span class="run-word">Snapshot </span>${snapshot}`,
        },
        { head: 'published', narrow: 'kept', cell: ({ published_at }) => moment(published_at, now) },
        {
          head: 'by',
          narrow: 'kept',
          cell: ({ run, by }) =>
            run === null ? (by ?? 'rebuild or purge') : html`<a href="/runs/${run}">run ${run}</a>`,
        },
        { head: 'tables', isFigure: true, cell: ({ tables }) => countText(tables) },
        { head: 'of them changed', isFigure: true, cell: ({ tables_changed }) => countText(tables_changed) },
        { head: 'size', isFigure: true, narrow: 'kept', cell: ({ bytes }) => bytesText(bytes) },
        {
          head: 'now',
          narrow: 'kept',
          cell: ({ removed_at }) =>
            removed_at === null ? badge('ok', 'there') : html`${badge('stop', 'removed')} ${moment(removed_at, now)}`,
        },
      ],
    })}
    ${snapshots.length < SNAPSHOTS_SHOWN ? '' : html`<p class="quiet">These are the newest ${countText(SNAPSHOTS_SHOWN)}; <code>stoker snapshots -n 1000</code> lists more.</p>`}`
  return frame(view, { title: 'Snapshots', main })
}

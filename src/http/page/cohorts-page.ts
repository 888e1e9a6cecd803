/** The cohorts: how many are in each, who came and went since the time before, in numbers. */
import { html } from 'hono/html'
import { countText } from '../../core/figures.ts'
import type { CohortDesk, CohortLine } from '../cohort-desk.ts'
import { badge } from './badge.ts'
import { dataTable } from './data-table.ts'
import { frame, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { moment } from './moment.ts'
import type { PageView } from './page-view.ts'
import { prose } from './prose.ts'

export async function cohortsPage(view: PageView, desk: CohortDesk): Promise<Html> {
  const cohorts = await desk.list()
  const main = html` ${pageHead('Cohorts')}
    <p class="summary">Each is a query over the newest snapshot, run again whenever one is published.</p>
    ${dataTable<CohortLine>({
      caption: 'Cohorts',
      hidesCaption: true,
      rows: cohorts,
      empty: html`No cohort is defined: put an SQL file into a folder that <code>cohorts</code> of the configuration
        names.`,
      below: ({ error_code, error_message }) =>
        error_code === null
          ? undefined
          : html`<code class="cause">${error_code}</code> <span class="outside">${error_message}</span>`,
      columns: [
        {
          head: 'cohort',
          isName: true,
          cell: ({ cohort }) => html`<a href="/cohorts/${encodeURIComponent(cohort)}">${cohort}</a>`,
        },
        { head: 'members', isFigure: true, cell: ({ members }) => figure(members) },
        { head: 'entered', isFigure: true, cell: ({ entered }) => change('+', entered) },
        { head: 'left', isFigure: true, cell: ({ left }) => change('−', left) },
        { head: 'state', cell: cohortBadge },
        { head: 'ran', cell: ({ ran_at }) => ran_at && moment(ran_at, view.now) },
        {
          head: 'snapshot',
          isFigure: true,
          cell: ({ snapshot }) => snapshot && html`<a href="/snapshots#snapshot-${snapshot}">${snapshot}</a>`,
        },
        { head: 'who is in it', cell: ({ description }) => html`<span class="prose">${prose(description)}</span>` },
      ],
    })}`
  return frame(view, { title: 'Cohorts', main })
}

export function cohortBadge({ error_code, ran_at }: Pick<CohortLine, 'error_code' | 'ran_at'>): Html {
  if (error_code !== null) return badge('bad', 'failed')
  return ran_at === null ? badge('idle', 'not run yet') : badge('ok', 'counted')
}

export function figure(value: number | null): string | undefined {
  return value === null ? undefined : countText(value)
}

export function change(sign: string, value: number | null): string | undefined {
  return value === null ? undefined : value === 0 ? '0' : `${sign}${countText(value)}`
}

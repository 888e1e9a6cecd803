/** One cohort: its definition, its size over time, who is in it for those who may see that. */
import { html } from 'hono/html'
import { countText } from '../../core/figures.ts'
import type { CohortDesk, CohortMeaning, CohortRunLine, CohortShown } from '../cohort-desk.ts'
import { badge } from './badge.ts'
import { dataBlock, figureHtml } from './charts-page.ts'
import { untilNow, type Chart } from './chart-data.ts'
import { change, cohortBadge, figure } from './cohorts-page.ts'
import { dataTable } from './data-table.ts'
import { facts } from './facts.ts'
import { frame, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { moment } from './moment.ts'
import { notice } from './notice.ts'
import type { PageView } from './page-view.ts'
import { prose } from './prose.ts'

const MEMBERS_SHOWN = 50

/** Undefined where there is no such cohort. */
export async function cohortPage(view: PageView, desk: CohortDesk, name: string): Promise<Html | undefined> {
  const cohort = await desk.show(name)
  if (cohort === undefined) return undefined
  const charts = sizeCharts(cohort, view.now)
  const main = html` ${pageHead(html`<span class="of"><a href="/cohorts">Cohorts</a> /</span> ${name}`, cohortBadge(cohort))}
    ${cohort.description === null ? '' : html`<p class="prose">${prose(cohort.description)}</p>`}
    ${
      cohort.error_code === null
        ? ''
        : notice({
            kind: 'bad',
            title: html`${cohort.error_hint === undefined ? 'Its last run failed' : 'Its file can not be used'}:
              <code>${cohort.error_code}</code>`,
            text: cohort.error_message ?? undefined,
            wayOut: cohort.error_hint ?? 'mend its SQL below, in its file; it is run again with the next snapshot',
          })
    }
    ${meaningHtml(cohort.meaning)}
    ${facts([
      [
        'members',
        cohort.members === null ? 'not counted yet' : html`<span class="big">${countText(cohort.members)}</span>`,
      ],
      ['entered', change('+', cohort.entered)],
      ['left', change('−', cohort.left)],
      ['snapshot', cohort.snapshot && html`<a href="/snapshots#snapshot-${cohort.snapshot}">${cohort.snapshot}</a>`],
      ['ran', cohort.ran_at && moment(cohort.ran_at, view.now)],
    ])}
    ${
      charts.length === 0
        ? ''
        : html`${dataBlock('chart-data', charts)}
            <div class="charts one">${charts.map(figureHtml)}</div>`
    }
    <section aria-labelledby="runs">
      <h2 id="runs">Its runs</h2>
      ${runsTable(name, cohort.runs, view.now)}
    </section>
    ${await membersSection(view, desk, cohort)} ${definition(cohort)}`
  return frame(view, { title: name, main, scripts: charts.length === 0 ? [] : ['charts.js'] })
}

/** In words, where they say more than its title. */
function meaningHtml(meaning: CohortMeaning | undefined): Html | '' {
  if (meaning === undefined) return ''
  const { description, simplified } = meaning
  return html`${description === '' ? '' : html`<p class="prose">${prose(description)}</p>`}
  ${simplified === null ? '' : html`<p class="prose quiet">${prose(simplified)}</p>`}`
}

function sizeCharts({ runs }: CohortShown, now: Date): Chart[] {
  const counted = [...runs]
    .reverse()
    .flatMap(({ ran_at, members }) => (members === null ? [] : [[ran_at.getTime(), members]]))
  if (counted.length === 0) return []
  const points = untilNow(counted, now)
  return [
    {
      id: 'members',
      title: 'How many are in it',
      unit: 'count',
      shape: 'steps',
      names: ['members'],
      x: points.map(([at]) => at! / 1000),
      y: [points.map(([, members]) => members!)],
    },
  ]
}

function runsTable(name: string, runs: readonly CohortRunLine[], now: Date): Html {
  return dataTable<CohortRunLine>({
    caption: `Runs of ${name}`,
    hidesCaption: true,
    rows: runs,
    empty: 'It was not run yet: it is with the next snapshot that is published.',
    below: ({ error_code, error_message }) =>
      error_code === null
        ? undefined
        : html`<code class="cause">${error_code}</code> <span class="outside">${error_message}</span>`,
    columns: [
      {
        head: 'snapshot',
        isName: true,
        cell: ({ snapshot }) => html`<span class="run-word">Snapshot </span>${snapshot}`,
      },
      { head: 'ran', cell: ({ ran_at }) => moment(ran_at, now) },
      { head: 'members', isFigure: true, cell: ({ members }) => figure(members) },
      { head: 'entered', isFigure: true, cell: ({ entered }) => change('+', entered) },
      { head: 'left', isFigure: true, cell: ({ left }) => change('−', left) },
      {
        head: 'state',
        cell: ({ error_code }) => (error_code === null ? badge('ok', 'counted') : badge('bad', 'failed')),
      },
    ],
  })
}

/** Keys name patients: shown with a token alone, on this machine too. */
async function membersSection(
  { signedIn, path }: PageView,
  desk: CohortDesk,
  { cohort, members }: CohortShown,
): Promise<Html> {
  const body = signedIn
    ? dataTable({
        caption: `Members of ${cohort}`,
        hidesCaption: true,
        rows: await desk.members(cohort, { limit: MEMBERS_SHOWN }),
        empty: 'Nobody is in it.',
        columns: [
          { head: 'patient', isName: true, cell: ({ patient_key }) => html`<code>${patient_key}</code>` },
          { head: 'in it since snapshot', isFigure: true, cell: ({ entered }) => entered },
        ],
      })
    : html`<p class="empty">
        Who is in it is shown to those who sign in with the token, on this machine too.
        <a href="/login?next=${encodeURIComponent(path)}">Sign in</a>
      </p>`
  const isMore = signedIn && (members ?? 0) > MEMBERS_SHOWN
  return html`<section aria-labelledby="members">
    <h2 id="members">Members</h2>
    ${body}
    ${isMore ? html`<p class="quiet">The first ${MEMBERS_SHOWN} of ${countText(members!)} by key; <code>stoker cohort show ${cohort}</code> gives all.</p>` : ''}
  </section>`
}

function definition({ sql, parameters, meaning }: CohortShown): Html | '' {
  if (sql === '') return ''
  const pairs = Object.entries(parameters)
  return html`<section aria-labelledby="definition">
    <h2 id="definition">Definition</h2>
    ${pairs.length === 0 ? '' : facts(pairs.map(([name, value]) => [name, parameterText(value)]))}
    ${codesTable(meaning?.codes ?? [])}
    <pre class="code" tabindex="0" role="region" aria-label="SQL"><code>${sql}</code></pre>
  </section>`
}

function parameterText(value: unknown): string {
  return value === null ? 'not set' : typeof value === 'string' ? value : JSON.stringify(value)
}

function codesTable(codes: CohortMeaning['codes']): Html | '' {
  if (codes.length === 0) return ''
  return html`<details class="figures">
    <summary>Its codes: ${codes.length}</summary>
    ${dataTable({
      caption: 'Codes',
      hidesCaption: true,
      rows: codes,
      empty: '',
      columns: [
        { head: 'code', isName: true, cell: ({ code }) => html`<code>${code}</code>` },
        { head: 'system', cell: ({ system }) => system },
        { head: 'what it is', cell: ({ display }) => display },
      ],
    })}
  </details>`
}

/** One source: how it stands, what it holds up to when, what its last run found, its runs. */
import { html } from 'hono/html'
import { countText } from '../../core/figures.ts'
import type { TypeOverview } from '../../ledger/overview.ts'
import { runLines } from '../../ledger/run-details.ts'
import { badge } from './badge.ts'
import { dataTable } from './data-table.ts'
import { facts } from './facts.ts'
import { frame, moreLink, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { instant, moment } from './moment.ts'
import type { PageView } from './page-view.ts'
import { progressOf } from './progress.ts'
import { runsTable } from './runs-table.ts'
import { answerNotice, cancelForm, fullSyncForm, syncForm } from './source-actions.ts'
import { sourceGlances, type SourceGlance } from './source-glance.ts'
import { freshness, nextRun } from './sources-page.ts'
import { standingOf } from './standing.ts'
import { failureNotice, heldNotice, lateNotice, remarkText } from './trouble.ts'

const RUNS_SHOWN = 20

/** Undefined where neither the configuration nor the lake has such a source. */
export async function sourcePage(view: PageView, name: string, asked: string | undefined): Promise<Html | undefined> {
  const { deps, now } = view
  const glance = (await sourceGlances(deps.ask, deps.control.sources())).find((each) => each.name === name)
  if (glance === undefined) return undefined
  const { state } = glance
  const { sign, word } = standingOf(glance, now)
  const runs = await runLines(deps.ask, { sources: [name], limit: RUNS_SHOWN })
  const back = `/sources/${encodeURIComponent(name)}`
  const main = html` ${pageHead(
      name,
      html`${badge(sign, word)}
        <div class="actions">
          ${state === undefined ? '' : html`${syncForm(state, back)}${fullSyncForm(state, back)}${cancelForm(state, back)}`}
        </div>`,
    )}
    ${answerNotice(asked, name)} ${standing(glance, now)} ${state === undefined ? '' : progressOf(state, now)}
    ${failureNotice(glance, now)} ${heldNotice(glance, now)} ${lateNotice(glance, now)} ${remarks(glance)}
    <section aria-labelledby="types">
      <h2 id="types">What it holds</h2>
      ${typesTable(glance.types, now, name)}
    </section>
    <section aria-labelledby="runs">
      <h2 id="runs">Its runs</h2>
      ${runsTable(view, runs, { caption: `Runs of ${name}`, empty: 'It did not run yet.', isOfOne: true })}
      ${runs.length === RUNS_SHOWN ? moreLink(`/runs?source=${encodeURIComponent(name)}`, 'All its runs') : ''}
    </section>`
  return frame(view, { title: name, main, isLively: state?.progress !== undefined })
}

function standing(glance: SourceGlance, now: Date): Html {
  const { newest, state } = glance
  const schedule = state?.schedule
  return facts([
    ['newest data', freshness(glance, now)],
    ['as of', newest && instant(newest)],
    ['next run', nextRun(glance, now)],
    ['schedule', schedule && html`<code>${schedule.cron}</code> ${schedule.timeZone}`],
  ])
}

function remarks({ remarks: all, lastRun }: SourceGlance): Html | '' {
  const said = all.filter(({ kind }) => kind !== 'held')
  const [first] = said
  if (first === undefined) return ''
  return html`<section aria-labelledby="remarks">
    <h2 id="remarks">Worth knowing of its last committed run</h2>
    <ul class="remarks">
      ${said.map((remark) => html`<li class="outside">${badge('warn', '')}${remarkText(remark)}</li>`)}
    </ul>
    ${moreLink(`/runs/${first.run}`, `Run ${first.run}${lastRun?.run === first.run ? '' : ', its last committed one'}`)}
  </section>`
}

/** Types that were asked for and of which nothing came are named below it. */
function typesTable(types: readonly TypeOverview[], now: Date, source: string): Html {
  const isEmpty = ({ resources, deleted, watermark }: TypeOverview) =>
    resources === 0 && deleted === 0 && watermark !== null
  const nothing = types.filter(isEmpty)
  return html`${dataTable({
    caption: `Types of ${source}`,
    hidesCaption: true,
    rows: types.filter((type) => !isEmpty(type)),
    empty: 'No resource is held. The first run that commits fills this table.',
    columns: [
      { head: 'type', isName: true, cell: ({ type }) => type },
      { head: 'resources', isFigure: true, cell: ({ resources }) => countText(resources) },
      { head: 'deletions known', isFigure: true, cell: ({ deleted }) => countText(deleted) },
      {
        head: 'watermark',
        cell: ({ watermark }) =>
          watermark === null ? 'none: the next run asks for everything' : moment(watermark, now),
      },
    ],
  })}
  ${nothing.length === 0 ? '' : html`<p class="quiet">Asked for, and nothing came of: ${nothing.map(({ type }) => type).join(', ')}</p>`}`
}

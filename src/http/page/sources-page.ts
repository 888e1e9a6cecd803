/** The first page: whether all is well, each source at a glance, the newest runs. */
import { html } from 'hono/html'
import { countText, plural } from '../../core/figures.ts'
import { purges } from '../../ledger/overview.ts'
import { runLines } from '../../ledger/run-details.ts'
import { tookText } from '../../ledger/run-state.ts'
import { badge, runBadge } from './badge.ts'
import { facts } from './facts.ts'
import { frame, moreLink, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { age, ageText, moment } from './moment.ts'
import { notice } from './notice.ts'
import type { PageView } from './page-view.ts'
import { progressOf } from './progress.ts'
import { runsTable } from './runs-table.ts'
import { answerNotice, cancelForm, syncForm } from './source-actions.ts'
import { sourceGlances, type SourceGlance } from './source-glance.ts'
import { standingOf, type Standing } from './standing.ts'
import { failureNotice, heldNotice, lateNotice, triedAgainText } from './trouble.ts'

const RUNS_SHOWN = 8

/** @param asked what became of a form, and of which source */
export async function sourcesPage(
  view: PageView,
  asked: { readonly asked?: string; readonly source?: string },
): Promise<Html> {
  const { deps, now } = view
  const states = deps.control.sources()
  const glances = troubledFirst(await sourceGlances(deps.ask, states), now)
  const runs = await runLines(deps.ask, { limit: RUNS_SHOWN })
  const main = html` ${pageHead('Sources')} ${answerNotice(asked.asked, asked.source)} ${await purgeNotice(view)}
    ${reloadNotice(view)} ${summary(glances, now)} ${await cohortsNotice(view)}
    <div class="sources">${glances.map((glance) => sourceHtml(glance, now))}</div>
    <section aria-labelledby="newest-runs">
      <h2 id="newest-runs">Newest runs</h2>
      ${runsTable(view, runs, { caption: 'Newest runs', empty: 'Nothing was run yet. “Sync now” begins with the first run.' })}
      ${runs.length === RUNS_SHOWN ? moreLink('/runs', 'All runs') : ''}
    </section>`
  return frame(view, {
    title: titleOf(glances, now),
    main,
    isLively: states.some(({ progress }) => progress !== undefined),
  })
}

/** Else in the order of the configuration: a source moves when it begins to fail and when it is well again, not while it runs. */
function troubledFirst(glances: readonly SourceGlance[], now: Date): SourceGlance[] {
  const ranks = ['look', 'again', undefined]
  const rank = (glance: SourceGlance) => ranks.indexOf(standingOf(glance, now).trouble)
  return [...glances].sort((a, b) => rank(a) - rank(b))
}

function troubled(glances: readonly SourceGlance[], now: Date, trouble: Standing['trouble']): SourceGlance[] {
  return glances.filter((glance) => standingOf(glance, now).trouble === trouble)
}

/** Told by a browser's tab as well. */
function titleOf(glances: readonly SourceGlance[], now: Date): string {
  const count = troubled(glances, now, 'look').length
  return count === 0 ? 'Sources' : `(${count}) Sources`
}

function summary(glances: readonly SourceGlance[], now: Date): Html {
  const configured = glances.filter(({ state }) => state !== undefined)
  if (configured.length === 0)
    return notice({
      kind: 'warn',
      title: 'No source is configured',
      wayOut: 'add one to the configuration, and send the worker SIGHUP',
    })
  const times = configured.flatMap(({ newest }) => (newest === undefined ? [] : [newest.getTime()]))
  const oldest = times.length === 0 ? undefined : ageText(now.getTime() - Math.min(...times))
  const without = configured.length - times.length
  const fresh =
    oldest === undefined
      ? 'Nothing was loaded yet.'
      : without === 0
        ? `No source’s newest data is older than ${oldest}.`
        : `The newest data of ${plural(times.length, 'source')} is no older than ${oldest}; ${countText(without)} ${without === 1 ? 'has' : 'have'} none yet.`
  const look = troubled(glances, now, 'look')
  const again = troubled(glances, now, 'again')
  if (look.length + again.length === 0)
    return html`<p class="summary">
      ${badge(oldest === undefined ? 'idle' : 'ok', oldest === undefined ? 'Ready' : 'All is well')}
      ${plural(configured.length, 'source')}. ${fresh}
    </p>`
  return html`<p class="summary">
    ${
      look.length === 0
        ? ''
        : html`${badge('bad', `${plural(look.length, 'source')} of ${countText(configured.length)} ${look.length === 1 ? 'needs' : 'need'} a look`)}
            ${look.map((glance, i) => html`${i === 0 ? '' : ', '}${toCard(glance)}`)}<br />`
    }
    ${
      again.length === 0
        ? ''
        : html`${badge('warn', `${plural(again.length, 'source')} ${again.length === 1 ? 'is' : 'are'} trying again`)}
            ${again.map((glance, i) => html`${i === 0 ? '' : '; '}${toCard(glance)}: ${triedAgainText(glance, now)}`)}<br />`
    }
    ${fresh}
  </p>`
}

function toCard({ name }: SourceGlance): Html {
  return html`<a href="#source-${name}">${name}</a>`
}

function sourceHtml(glance: SourceGlance, now: Date): Html {
  const { name, state, types } = glance
  const { sign, word } = standingOf(glance, now)
  const resources = types.reduce((sum, type) => sum + type.resources, 0)
  return html`<article class="source" id="source-${name}" aria-labelledby="name-${name}">
    <div class="source-name">
      <h2 id="name-${name}"><a href="/sources/${encodeURIComponent(name)}">${name}</a></h2>
      ${badge(sign, word)}
    </div>
    ${facts([
      ['newest data', freshness(glance, now)],
      ['next run', nextRun(glance, now)],
      ['last run', lastRun(glance, now)],
      ['resources', resources === 0 ? 'none' : html`${countText(resources)} of ${plural(types.length, 'type')}`],
    ])}
    <div class="actions">${state === undefined ? '' : html`${syncForm(state, '/')}${cancelForm(state, '/')}`}</div>
    ${state === undefined ? html`<p>It is no longer in the configuration; its rows stay as they are.</p>` : progressOf(state, now)}
    ${failureNotice(glance, now)} ${heldNotice(glance, now)} ${lateNotice(glance, now)}
  </article>`
}

export function freshness({ newest, types }: SourceGlance, now: Date): Html | string {
  if (newest !== undefined) return html`<span class="big">${age(newest, now)}</span> old`
  return types.some(({ resources }) => resources > 0) ? 'no watermark' : 'none yet'
}

export function nextRun({ state }: SourceGlance, now: Date): Html | string {
  if (state === undefined) return 'never'
  if (state.activity === 'running') return 'under way'
  if (state.activity === 'queued') return 'after others'
  if (state.retryAt !== undefined) return html`tried again ${state.retryAt > now ? moment(state.retryAt, now) : 'now'}`
  if (state.nextAt !== undefined) return state.nextAt > now ? moment(state.nextAt, now) : 'now'
  return 'when asked'
}

function lastRun({ lastRun: run, state }: SourceGlance, now: Date): Html | string {
  if (run === undefined) return 'none yet'
  const isRunning = state?.progress?.run === run.run
  const took = tookText(run)
  return html`<a href="/runs/${run.run}">${run.run}</a> ${runBadge(run, isRunning)}
    ${
      isRunning || took === undefined
        ? moment(run.started_at, now)
        : html`${moment(run.ended_at ?? run.committed_at, now)}, took ${took}`
    }`
}

/** A cohort that fails is nothing that a source shows, and its analyst may not look for weeks. */
async function cohortsNotice({ deps }: PageView): Promise<Html | ''> {
  const failed = ((await deps.cohorts?.list()) ?? []).filter(({ error_code }) => error_code !== null)
  if (failed.length === 0) return ''
  return html`<p class="summary">
    ${badge('warn', `${plural(failed.length, 'cohort')} could not be counted`)}
    ${failed.map(({ cohort }, i) => html`${i === 0 ? '' : ', '}<a href="/cohorts/${encodeURIComponent(cohort)}">${cohort}</a>`)}
  </p>`
}

/** No run begins before it is finished. */
function reloadNotice({ deps, now }: PageView): Html | '' {
  const { lastReload } = deps.control
  if (lastReload?.error === undefined) return ''
  const { code, message, hint } = lastReload.error
  return notice({
    kind: 'warn',
    title: html`The configuration, read again ${moment(lastReload.at, now)}, was refused: <code>${code}</code>`,
    text: html`<p>The one of before stays in force. ${message}</p>`,
    wayOut: hint ?? 'correct the file, and send the worker SIGHUP',
  })
}

async function purgeNotice({ deps, now }: PageView): Promise<Html | ''> {
  const open = (await purges(deps.ask)).find(({ state }) => state !== 'done')
  if (open === undefined) return ''
  return notice({
    kind: 'bad',
    title: html`A purge, asked for ${moment(open.asked_at, now)}, is not finished: no run begins before`,
    text:
      open.state === 'cleared'
        ? 'Its rows are gone; the free blocks of the database file still have them.'
        : 'What it takes may still be there.',
    wayOut: html`stop the worker and run <code>stoker purge --finish</code>`,
  })
}

/** One run: its error first, then what happened, in the order in which one looks for a cause. */
import { html } from 'hono/html'
import { existsSync } from 'node:fs'
import { shownUrl } from '../../ledger/shown-url.ts'
import { bytesText, countText, durationText } from '../../core/figures.ts'
import { rejectsPath } from '../../landing/rejects.ts'
import { runDetails, type ExportDetails, type RunDetails } from '../../ledger/run-details.ts'
import { goesOnText, tookText } from '../../ledger/run-state.ts'
import { runBadge } from './badge.ts'
import { facts } from './facts.ts'
import { frame, onPage, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { instant, instantAgo } from './moment.ts'
import { notice } from './notice.ts'
import type { PageView } from './page-view.ts'
import { progressOf } from './progress.ts'
import { booksSection } from './run-books.ts'
import { countsSections } from './run-counts.ts'
import { filesSection } from './run-files.ts'
import { phasesSection } from './run-phases.ts'
import { rejectsSection } from './run-rejects.ts'
import { saidSection } from './run-said.ts'

/** Undefined where there is no such run. */
export async function runPage(view: PageView, run: number, showsAllFiles: boolean): Promise<Html | undefined> {
  const { deps, now } = view
  const details = await runDetails(deps.ask, run)
  if (details === undefined) return undefined
  const { source } = details.run
  const state = deps.control.sources().find(({ name }) => name === source)
  const isRunning = state?.progress?.run === run
  const sections = [
    { id: 'said', word: 'worth knowing', body: saidSection(details) },
    { id: 'rejects', word: 'rejects', body: rejectsSection(details, rejectsFileOf(view, details)) },
    { id: 'phases', word: 'phases', body: phasesSection(details, isRunning, now) },
    { id: 'files', word: 'files', body: filesSection(details, showsAllFiles) },
    { id: 'books', word: 'books', body: booksSection(details) },
    { id: 'types', word: 'types and tables', body: countsSections(details) },
    { id: 'exports', word: 'what the server was asked', body: exportsSection(details) },
  ].filter(({ body }) => body !== '')
  const main = html` ${pageHead(html`Run ${run} <span class="of">of <a href="/sources/${encodeURIComponent(source)}">${source}</a></span>`, runBadge(details.run, isRunning))}
  ${isRunning ? progressOf(state, now) : ''} ${errorNotice(details, isRunning)} ${openNotice(details, isRunning)}
  ${headFacts(details, now)} ${sections.length < 3 ? '' : onPage(sections)} ${sections.map(({ body }) => body)}`
  return frame(view, { title: `Run ${run} of ${source}`, main, isLively: isRunning })
}

/** Where landing put them, if they are still there; relative to the lake. */
function rejectsFileOf({ deps: { lake } }: PageView, { run }: RunDetails): (file: number) => string | undefined {
  return (file) => {
    const path = rejectsPath(lake.raw(run.source, run.run, file))
    return existsSync(lake.path(path)) ? path : undefined
  }
}

/** The cause, the way out, and where to look further. */
function errorNotice({ run, files, rejects }: RunDetails, isRunning: boolean): Html | '' {
  if (run.error_code === null) return ''
  const failed = files.filter(({ state }) => state === 'failed').length
  const isOver = run.state === 'failed' || run.state === 'abandoned'
  return notice({
    kind: isOver || !isRunning ? 'bad' : 'warn',
    title: html`${run.error_code === 'CANCELLED' ? 'It was given up' : isOver ? 'It failed' : isRunning ? 'An error stopped it before; it goes on now' : 'An error stopped it; it goes on when it is tried again'}:
      <code>${run.error_code}</code>`,
    text: run.error_message ?? undefined,
    wayOut: run.error_hint,
    more: html`${failed === 0 ? '' : html`<p><a href="#files">${countText(failed)} of its files could not be had</a></p>`}
    ${rejects.length === 0 ? '' : html`<p><a href="#rejects">Lines that could not be used</a></p>`}
    ${isOver && run.committed_at === null ? html`<p>Nothing of it was committed: the tables are as they were.</p>` : ''}`,
  })
}

/** How one that is not over, and that no error stopped, goes on. */
function openNotice({ run }: RunDetails, isRunning: boolean): Html | '' {
  const goesOn = goesOnText(run)
  if (isRunning || goesOn === undefined || run.error_code !== null) return ''
  return notice({
    kind: 'warn',
    title: `${goesOn.split(':')[0]!}.`,
    wayOut: html`<a href="/sources/${encodeURIComponent(run.source)}">sync ${run.source}</a>`,
  })
}

function headFacts(details: RunDetails, now: Date): Html {
  const { run, snapshot, files, types } = details
  const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0)
  const rejects = files.reduce((sum, file) => sum + (file.rejects ?? 0), 0)
  const changed = types.reduce((sum, type) => sum + type.inserted + type.updated + type.deleted, 0)
  return facts([
    ['mode', run.mode],
    ['started', instantAgo(run.started_at, now)],
    ['took', tookText(run)],
    ['files', files.length > 0 && countText(files.length)],
    ['received', bytes > 0 && bytesText(bytes)],
    ['rate', rateText(details, bytes)],
    ['changed', run.committed_at === null ? 'nothing committed' : `${countText(changed)} resources`],
    ['rejects', rejects === 0 ? '0' : html`<a href="#rejects">${countText(rejects)}</a>`],
    ['commit', run.commit_number && html`${run.commit_number}, ${instant(run.committed_at)}`],
    ['snapshot', snapshot && html`<a href="/snapshots#snapshot-${snapshot}">${snapshot}</a>`],
    ['by Stoker', run.stoker_version],
  ])
}

/** Of the time in which files were fetched. */
function rateText({ phases }: RunDetails, bytes: number): string | undefined {
  const ms = phases
    .filter(({ phase, ended_at }) => phase === 'gather' && ended_at !== null)
    .reduce((sum, { started_at, ended_at }) => sum + (ended_at!.getTime() - started_at.getTime()), 0)
  return ms < 100 || bytes === 0 ? undefined : `${bytesText(Math.round((bytes / ms) * 1000))}/s`
}

const PURPOSE = { load: 'resources', members: 'members of the Group', newcomers: 'history of those who joined' }

function exportsSection({ exports }: RunDetails): Html | '' {
  if (exports.length === 0) return ''
  return html`<section aria-labelledby="exports">
    <h2 id="exports">What the server was asked</h2>
    ${exports.map(exportHtml)}
  </section>`
}

function exportHtml(each: ExportDetails): Html {
  const waited = each.ready_at !== null && each.requested_at !== null
  return html`<h3>
      Export ${each.export}: ${PURPOSE[each.purpose]}, ${each.whole ? 'the whole state' : 'what changed'}, ${each.state}
    </h3>
    ${facts([
      ['types', each.types.join(', ')],
      ['since', each.since],
      ['request', each.request_url && html`<code class="outside">${shownUrl(each.request_url)}</code>`],
      ['requested', each.requested_at && instant(each.requested_at)],
      ['ready after', waited ? durationText(each.ready_at.getTime() - each.requested_at.getTime()) : undefined],
      ['transactionTime', each.transaction_time && instant(each.transaction_time)],
    ])}`
}

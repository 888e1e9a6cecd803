/** A run under way: its steps, how far it is, how fast. */
import { html } from 'hono/html'
import { bytesText, countText, durationText, plural } from '../../core/figures.ts'
import type { RunProgress, RunStep, SourceState } from '../../service/control.ts'
import { delayText } from '../../worker/delay-text.ts'
import { facts } from './facts.ts'
import type { Html } from './html.ts'
import { icon } from './icon.ts'
import { age } from './moment.ts'

const STEPS: readonly (readonly [step: RunStep, word: string, doing: string])[] = [
  ['asking', 'Ask', 'asks the server for an export'],
  ['waiting', 'Wait', 'waits for the server'],
  ['gathering', 'Gather', 'fetches files'],
  ['merging', 'Merge', 'merges into the tables'],
  ['publishing', 'Publish', 'publishes the snapshot'],
]

const QUEUED = 'waits for its place among the runs that work'

/** Scripts find it by its source, and say aloud when its step changes. */
export function progressOf({ name, progress }: SourceState, now: Date): Html {
  if (progress === undefined)
    return html`<div id="progress-${name}" class="progress" data-progress="${name}" hidden></div>`
  const { run, step, startedAt, resumed, queuedAt } = progress
  const doing = queuedAt === undefined ? STEPS.find(([each]) => each === step)![2] : QUEUED
  return html`<div
    id="progress-${name}"
    class="progress"
    data-progress="${name}"
    data-run="${run}"
    data-step="${step}"
    data-says="${name}: run ${run} ${doing}"
  >
    <p class="progress-head">
      <a href="/runs/${run}">Run ${run}</a> ${doing}${resumed ? ', going on where it stopped' : ''}; under way for
      ${age(startedAt, now)}
    </p>
    <ol class="steps">
      ${STEPS.map(([each, word]) => stepHtml(each, word, step))}
    </ol>
    ${barHtml(progress)} ${figuresHtml(progress, now)} ${delayHtml(progress, now)}
  </div>`
}

function stepHtml(each: RunStep, word: string, current: RunStep): Html {
  const place = STEPS.findIndex(([step]) => step === each)
  const at = STEPS.findIndex(([step]) => step === current)
  if (place === at) return html`<li class="now" aria-current="step">${word}</li>`
  return place < at ? html`<li class="done">${word}<span class="unseen"> (done)</span></li>` : html`<li>${word}</li>`
}

/** Without a value where nobody knows how much there is to come. */
function barHtml({ step, percentDone, files, tables }: RunProgress): Html {
  if (step === 'waiting' && percentDone !== undefined)
    return meter(percentDone, 100, `${percentDone}%, says the server`)
  if (step === 'gathering' && files !== undefined && files.of > 0)
    return meter(
      files.landed + files.lost,
      files.of,
      `${countText(files.landed + files.lost)} of ${plural(files.of, 'file')}`,
    )
  if (step === 'merging' && tables !== undefined && tables.of > 0)
    return meter(tables.done, tables.of, `${countText(tables.done)} of ${plural(tables.of, 'table')}`)
  return html`<progress aria-label="How far it is, nobody knows"></progress>`
}

function meter(value: number, max: number, text: string): Html {
  return html`<progress value="${value}" max="${max}" aria-label="${text}">${text}</progress>`
}

function figuresHtml(progress: RunProgress, now: Date): Html {
  const { step, stepAt, percentDone, files, bytes, lines, resources, rejects, tables } = progress
  const ms = now.getTime() - stepAt.getTime()
  const isFetching = step === 'gathering' && bytes > 0 && ms >= 1000
  return facts([
    ['export, says the server', step === 'waiting' && percentDone !== undefined ? `${percentDone}% done` : undefined],
    ['files', files && `${countText(files.landed)} of ${countText(files.of)}`],
    ['not to be had', files && files.lost > 0 ? countText(files.lost) : undefined],
    ['received', bytes > 0 ? bytesText(bytes) : undefined],
    ['rate', isFetching ? `${bytesText(Math.round((bytes / ms) * 1000))}/s` : undefined],
    ['lines', lines > 0 ? countText(lines) : undefined],
    ['resources', resources > 0 ? countText(resources) : undefined],
    ['rejects', rejects > 0 ? countText(rejects) : undefined],
    ['tables', tables && `${countText(tables.done)} of ${countText(tables.of)}`],
    ['table', tables?.now],
    ['this step', durationText(Math.max(0, ms))],
  ])
}

function delayHtml({ delayed }: RunProgress, now: Date): Html | '' {
  if (delayed === undefined || delayed.untilAt <= now) return ''
  const text = delayText({ code: delayed.code, ms: delayed.untilAt.getTime() - now.getTime() })
  return html`<p class="delay">${icon('warn')} ${text[0]!.toUpperCase()}${text.slice(1)}</p>`
}

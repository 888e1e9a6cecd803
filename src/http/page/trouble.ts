/** What is wrong with a source, with what to do about it: failures, types held back, what its last run found. */
import { html } from 'hono/html'
import { plural } from '../../core/figures.ts'
import type { Remark, TypeOverview } from '../../ledger/overview.ts'
import { reasonText } from '../../worker/delay-text.ts'
import { findingText, lossText } from '../../worker/finding-text.ts'
import type { SourceState } from '../../service/control.ts'
import type { Html } from './html.ts'
import { moment, relativeText } from './moment.ts'
import { notice } from './notice.ts'
import type { SourceGlance } from './source-glance.ts'
import { isLate, standingOf } from './standing.ts'

export function failureNotice(glance: SourceGlance, now: Date): Html | '' {
  const { name, state, failure } = glance
  if (state === undefined || failure === undefined) return ''
  const { at, run, code, message, hint, times } = failure
  return notice({
    kind: standingOf(glance, now).trouble === 'look' ? 'bad' : 'warn',
    title: html`${times > 1 ? `${plural(times, 'run')} failed in a row, the last` : 'The last run failed'}
      ${moment(at, now)}: <code>${code}</code>`,
    text: message,
    wayOut: hint,
    more: html`<p>
      ${againText(state, now)}
      ${
        run === undefined
          ? html`<a href="/runs?source=${encodeURIComponent(name)}&failed=yes">Its failed runs</a>`
          : html`<a href="/runs/${run}">See run ${run}: what happened, file by file</a>`
      }
    </p>`,
  })
}

/** Whether anybody has to do anything for it to go on. */
function againText({ activity, retryAt, nextAt }: SourceState, now: Date): string {
  if (activity === 'running') return 'It is being tried again now.'
  if (activity === 'queued') return 'It is tried again when it is its turn.'
  if (retryAt !== undefined) return `It is tried again ${retryAt > now ? relativeText(retryAt, now) : 'now'}.`
  if (nextAt !== undefined) return `It is tried again by its schedule, ${relativeText(nextAt, now)}.`
  return 'It is not tried again by itself, for it has no schedule: “Sync now” begins the next run.'
}

/** Why, in few words: what the run that goes on waits for, else what stopped the one before. */
export function triedAgainText({ state, failure }: SourceGlance, now: Date): Html | string {
  const delayed = state?.progress?.delayed
  if (delayed !== undefined) return html`${reasonText(delayed)} (<code>${delayed.code}</code>)`
  if (failure === undefined) return 'its last run failed'
  return html`<code>${failure.code}</code>, ${moment(failure.at, now)}`
}

export function lateNotice(glance: SourceGlance, now: Date): Html | '' {
  const { newest, state } = glance
  if (newest === undefined || state?.schedule === undefined || !isLate(glance, now)) return ''
  return notice({
    kind: 'warn',
    title: html`It is late: its newest data is ${relativeText(newest, now).replace(' ago', ' old')}`,
    text: html`<p>
      By its schedule, <code>${state.schedule.cron}</code> ${state.schedule.timeZone}, a run was due twice since.
    </p>`,
    wayOut: state.activity === 'idle' ? '“Sync now”, and look at its runs' : 'look at its runs: whether one goes on',
  })
}

export function heldNotice({ held, types }: SourceGlance, now: Date): Html | '' {
  const [first] = held
  if (first === undefined) return ''
  return notice({
    kind: 'warn',
    title: `${plural(held.length, 'type')} held back by run ${first.run}${held.length < types.length ? ': the other types went on' : ''}`,
    text: html`<ul class="outside">
      ${[...alike(held, types).values()].map(
        ({ names, what, watermark }) =>
          html`<li>
            <b>${names.join(', ')}</b>: ${what}.
            ${
              watermark === undefined
                ? 'No watermark: the next run asks for everything.'
                : html`The data is as of ${moment(watermark, now)}.`
            }
          </li>`,
      )}
    </ul>`,
    wayOut: html`the next run asks for them again; if it holds them too,
      <a href="/runs/${first.run}">see what came in run ${first.run}</a>`,
  })
}

interface HeldAlike {
  readonly names: string[]
  readonly what: string
  readonly watermark: Date | undefined
}

/** Often one thing holds all types. */
function alike(held: readonly Remark[], types: readonly TypeOverview[]): Map<string, HeldAlike> {
  const groups = new Map<string, HeldAlike>()
  for (const { type, what } of held) {
    const watermark = types.find((each) => each.type === type)?.watermark ?? undefined
    const key = `${what} ${watermark?.getTime()}`
    const group = groups.get(key) ?? { names: [], what, watermark }
    group.names.push(type ?? 'a type')
    groups.set(key, group)
  }
  return groups
}

/** What is to be known of the last committed run besides. */
export function remarkText({ kind, type, what, count }: Remark): string {
  switch (kind) {
    case 'held':
      return `${type ?? 'a type'} is held back: ${what}`
    case 'message':
      return `the server reported ${plural(count, 'issue')} (${what})`
    case 'finding':
      return findingText({ code: what, count, type })
    case 'loss':
      return lossText({ place: type ?? '', wanted: what, count })
  }
}

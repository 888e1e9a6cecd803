/** What is wrong with a source, with what to do about it: failures, types held back, what its last run found. */
import { html } from 'hono/html'
import { plural } from '../../core/figures.ts'
import type { Remark } from '../../ledger/overview.ts'
import { findingText, lossText } from '../../worker/finding-text.ts'
import type { Html } from './html.ts'
import { moment, relativeText } from './moment.ts'
import { notice } from './notice.ts'
import type { SourceGlance } from './source-glance.ts'

export function failureNotice({ name, state }: SourceGlance, now: Date): Html | '' {
  if (state?.error === undefined) return ''
  const { error, failures, retryAt } = state
  const again =
    retryAt === undefined
      ? 'It is tried again with the next run.'
      : `It is tried again ${retryAt > now ? relativeText(retryAt, now) : 'now'}.`
  return notice({
    kind: 'bad',
    title: html`${failures > 1 ? `${plural(failures, 'run')} failed in a row, the last` : 'The last run failed'}
      ${moment(error.at, now)}: <code>${error.code}</code>`,
    text: error.message,
    wayOut: error.hint,
    more: html`<p>
      ${again}
      ${
        error.run === undefined
          ? html`<a href="/runs?source=${encodeURIComponent(name)}&failed=yes">Its failed runs</a>`
          : html`<a href="/runs/${error.run}">See run ${error.run}: what happened, file by file</a>`
      }
    </p>`,
  })
}

export function heldNotice({ held, types }: SourceGlance, now: Date): Html | '' {
  const [first] = held
  if (first === undefined) return ''
  return notice({
    kind: 'warn',
    title: `${plural(held.length, 'type')} held back by run ${first.run}${held.length < types.length ? ': the other types went on' : ''}`,
    text: html`<ul>
      ${held.map(({ type, what }) => {
        const watermark = types.find((each) => each.type === type)?.watermark
        return html`<li>
          <b>${type}</b>: ${what}.
          ${
            watermark == null
              ? 'It has no watermark: the next run asks for everything of it.'
              : html`Its data is as of ${moment(watermark, now)}.`
          }
        </li>`
      })}
    </ul>`,
    wayOut: html`the next run asks for them again; if it holds them too,
      <a href="/runs/${first.run}">see what came in run ${first.run}</a>`,
  })
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

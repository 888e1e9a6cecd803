/** What could not be shown or done, and what to do instead. */
import { html } from 'hono/html'
import { StokerError } from '../../core/errors.ts'
import { frame, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { notice } from './notice.ts'
import type { PageView } from './page-view.ts'

export function notFoundPage(view: PageView, what: string, wayOut: Html): Html {
  const main = html`${pageHead('Not here')}${notice({ kind: 'warn', title: what, wayOut })}`
  return frame(view, { title: 'Not here', main, isStill: true })
}

/** Of an error that nobody foresaw no word is shown: it may quote data. */
export function errorPage(view: PageView, error: unknown): Html {
  const known = error instanceof StokerError ? error : undefined
  const main = html` ${pageHead('That did not work')}
  ${notice({
    kind: 'bad',
    title: known === undefined ? 'An error of Stoker itself' : html`<code>${known.code}</code>`,
    text: known?.record,
    wayOut: known === undefined ? 'the log of the worker says more; please report it' : known.hint,
    more: html`<p>
      ${known?.retryable === true ? 'It may pass: ' : ''}<a href="${view.path}">Try again</a>, or go to
      <a href="/">the sources</a>.
    </p>`,
  })}`
  return frame(view, { title: 'That did not work', main, isStill: true })
}

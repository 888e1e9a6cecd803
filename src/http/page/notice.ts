/** Boxes that say something an operator must know, and what to do about it. */
import { html } from 'hono/html'
import type { Html } from './html.ts'
import { icon, type IconName } from './icon.ts'

export type NoticeKind = 'bad' | 'warn' | 'ok' | 'run'

export interface Notice {
  readonly kind: NoticeKind
  readonly title: Html | string
  /** As words, somebody else's perhaps, or as elements of its own. */
  readonly text?: Html | string | undefined
  /** What to do. */
  readonly wayOut?: Html | string | null | undefined
  readonly more?: Html | undefined
}

export function notice({ kind, title, text, wayOut, more }: Notice): Html {
  return html`<div class="notice ${kind}">
    ${icon(kind satisfies IconName)}
    <div>
      <p class="notice-title">${title}</p>
      ${text === undefined ? '' : typeof text === 'string' ? html`<p class="outside">${text}</p>` : text}
      ${wayOut == null || wayOut === '' ? '' : html`<p><b>What to do:</b> ${wayOut}</p>`} ${more ?? ''}
    </div>
  </div>`
}

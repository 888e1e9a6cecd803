/** A description as its author wrote it: what stands between backticks is code. */
import { html } from 'hono/html'
import type { Html } from './html.ts'

export function prose(text: string | null | undefined): Html | undefined {
  if (text == null || text === '') return undefined
  const parts = text.split('`')
  // Of an odd number of backticks the last is one.
  const isPaired = parts.length % 2 === 1
  return html`${parts.map((part, i) => (i % 2 === 0 ? part : isPaired || i < parts.length - 1 ? html`<code>${part}</code>` : `\`${part}`))}`
}

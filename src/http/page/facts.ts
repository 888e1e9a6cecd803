/** Names and values, side by side. */
import { html } from 'hono/html'
import type { Cell } from './data-table.ts'
import type { Html } from './html.ts'

/** Those without a value are left out. */
export function facts(pairs: readonly (readonly [name: string, value: Cell])[]): Html {
  const said = pairs.filter(([, value]) => value !== null && value !== undefined && value !== false && value !== '')
  return html`<dl class="facts">
    ${said.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}

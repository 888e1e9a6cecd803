/** The few signs that stand beside a state's word, so that colour is never the only one. */
import { html } from 'hono/html'
import type { Html } from './html.ts'

/** Drawn on 16 × 16; a shape for each, told apart without colour. */
const SHAPES = {
  ok: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm3.6 5.3L7.2 11 4.4 8.3l1-1.1 1.7 1.7 3.3-3.6Z',
  run: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1ZM6.2 4.6 11.4 8l-5.2 3.4Z',
  wait: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm-.8 3h1.6v3.7l2.6 1.5-.8 1.4-3.4-2Z',
  bad: 'M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1ZM7.1 4v5h1.8V4Zm0 6.2V12h1.8v-1.8Z',
  warn: 'M8 1.2 15.4 14.4H.6ZM7.2 6v4.2h1.6V6Zm0 5.2v1.6h1.6v-1.6Z',
  idle: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Zm0 1.8a5.2 5.2 0 1 1 0 10.4A5.2 5.2 0 0 1 8 2.8Z',
  stop: 'M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1ZM5.4 5.4h5.2v5.2H5.4Z',
} as const

export type IconName = keyof typeof SHAPES

/** Never read out: the word beside it says it. */
export function icon(name: IconName): Html {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
    <path fill-rule="evenodd" d="${SHAPES[name]}" />
  </svg>`
}

/** What the server said of a run's export, and what was odd in what came. */
import { html } from 'hono/html'
import { countText } from '../../core/figures.ts'
import type { MessageCount, RunDetails } from '../../ledger/run-details.ts'
import { findingText, lossText } from '../../worker/finding-text.ts'
import { badge } from './badge.ts'
import { dataTable } from './data-table.ts'
import type { Html } from './html.ts'
import type { IconName } from './icon.ts'

export function saidSection({ run, messages, findings, losses, types }: RunDetails): Html | '' {
  const held = types.filter((type) => type.held !== null)
  const lost = [
    ...new Set(
      losses.map(({ view_table, column_name, element, wanted, count }) =>
        lossText({ place: `${view_table}: ${element ?? column_name}`, wanted, count }),
      ),
    ),
  ]
  if (messages.length + findings.length + lost.length + held.length === 0) return ''
  return html`<section aria-labelledby="said">
    <h2 id="said">Worth knowing</h2>
    ${list(
      'Types held back: their watermarks did not move',
      'warn',
      held.map(({ type, held: why }) => `${type}: ${why}`),
    )}
    ${
      messages.length === 0
        ? ''
        : html`<h3>What the server reported</h3>
            ${messagesTable(messages, run.run)}`
    }
    ${list('Not as it was asked or announced', 'warn', findings.map(findingText))}
    ${list('Values that are not in the tables', 'warn', lost)}
  </section>`
}

/** Severities of an OperationOutcome, the worst first; a server may say others. */
const SEVERITIES: readonly (readonly [severity: string, sign: IconName])[] = [
  ['fatal', 'bad'],
  ['error', 'bad'],
  ['warning', 'warn'],
  ['information', 'idle'],
  ['success', 'ok'],
]

function messagesTable(messages: readonly MessageCount[], run: number): Html {
  const rank = ({ severity }: MessageCount) => {
    const found = SEVERITIES.findIndex(([each]) => each === severity)
    return found < 0 ? SEVERITIES.length : found
  }
  return dataTable<MessageCount>({
    caption: `What the server reported in run ${run}`,
    hidesCaption: true,
    isCompact: true,
    rows: [...messages].sort((a, b) => rank(a) - rank(b) || b.count - a.count),
    empty: '',
    columns: [
      {
        head: 'severity',
        isName: true,
        cell: (message) => badge(SEVERITIES[rank(message)]?.[1] ?? 'idle', message.severity ?? 'not said'),
      },
      { head: 'code', narrow: 'kept', cell: ({ code }) => html`<code>${code ?? 'not said'}</code>` },
      { head: 'issues', isFigure: true, narrow: 'kept', cell: ({ count }) => countText(count) },
    ],
  })
}

function list(title: string, sign: IconName, lines: readonly string[]): Html | '' {
  if (lines.length === 0) return ''
  return html`<h3>${title}</h3>
    <ul class="remarks">
      ${lines.map((line) => html`<li class="outside">${badge(sign, '')}${line}</li>`)}
    </ul>`
}

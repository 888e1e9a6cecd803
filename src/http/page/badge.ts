/** The state of a source, a run or a file: a sign, a word and a colour. */
import { html } from 'hono/html'
import type { RunRecord } from '../../ledger/runs.ts'
import { stateText } from '../../ledger/run-state.ts'
import type { Html } from './html.ts'
import { icon, type IconName } from './icon.ts'

export function badge(sign: IconName, word: string): Html {
  return html`<span class="badge ${sign}">${icon(sign)}${word}</span>`
}

/** An open run that an error stopped waits for its next start; one that goes on says so by its source. */
export function runBadge(run: Pick<RunRecord, 'state' | 'error_code'>, isRunning: boolean): Html {
  if (isRunning) return badge('run', 'running')
  const word = stateText(run)
  switch (run.state) {
    case 'done':
      return badge('ok', word)
    case 'failed':
    case 'abandoned':
      return word === 'cancelled' ? badge('stop', word) : badge('bad', word)
    case 'open':
    case 'committed':
    case 'published':
      return run.error_code === null ? badge('wait', word) : badge('bad', 'stopped by an error')
  }
}

export function fileBadge(state: string): Html {
  const sign = state === 'failed' ? 'bad' : state === 'landed' ? 'ok' : state === 'skipped' ? 'stop' : 'wait'
  return badge(sign, state)
}

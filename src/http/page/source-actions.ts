/** What may be asked of a source: forms that work without a script, and what became of it. */
import { html } from 'hono/html'
import type { SourceState } from '../../service/control.ts'
import type { Html } from './html.ts'
import { notice } from './notice.ts'

/** @param back the path of the page it stands on, which is shown again */
export function syncForm({ name, activity }: SourceState, back: string): Html | '' {
  if (activity === 'running' || activity === 'queued') return ''
  return html`<form method="post" action="/sources/${encodeURIComponent(name)}/sync">
    <input type="hidden" name="back" value="${back}" />
    <button type="submit">Sync now<span class="unseen"> ${name}</span></button>
  </form>`
}

export function fullSyncForm({ name, activity }: SourceState, back: string): Html | '' {
  if (activity === 'running' || activity === 'queued') return ''
  return html`<details class="ask">
    <summary>Sync everything anew…</summary>
    <form method="post" action="/sources/${encodeURIComponent(name)}/sync">
      <p>Asks for everything again, whatever the watermarks say. What the server no longer has is deleted here.</p>
      <input type="hidden" name="back" value="${back}" />
      <input type="hidden" name="full" value="yes" />
      <button type="submit">Sync everything anew</button>
    </form>
  </details>`
}

/** Asked twice: it ends the export on the server as well. */
export function cancelForm({ name, activity }: SourceState, back: string): Html | '' {
  if (activity === 'idle') return ''
  return html`<details class="ask">
    <summary>Cancel…<span class="unseen"> ${name}</span></summary>
    <form method="post" action="/sources/${encodeURIComponent(name)}/cancel">
      <p>
        Gives up the run, and deletes its export on the server. Nothing that was committed is touched; the next run
        begins anew.
      </p>
      <input type="hidden" name="back" value="${back}" />
      <button class="danger" type="submit">Cancel the run</button>
    </form>
  </details>`
}

const ANSWERS = {
  queued: { kind: 'run', say: (name: string) => `${name} is asked for: it begins when it is its turn` },
  already: { kind: 'run', say: (name: string) => `${name} runs already, or waits for its turn` },
  cancelled: { kind: 'ok', say: (name: string) => `The run of ${name} is cancelled` },
  nothing: { kind: 'ok', say: (name: string) => `There was nothing of ${name} to cancel` },
} as const

export type Asked = keyof typeof ANSWERS

/** Above the page that is shown after a form was sent. */
export function answerNotice(asked: string | undefined, source: string | undefined): Html | '' {
  if (asked === undefined || source === undefined || !Object.hasOwn(ANSWERS, asked)) return ''
  const { kind, say } = ANSWERS[asked as Asked]
  return html`<div role="status" data-passing>${notice({ kind, title: say(source) })}</div>`
}

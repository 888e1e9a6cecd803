/** The form that takes the token; what it posts is for the guard. */
import { html } from 'hono/html'
import { frame, pageHead } from './frame.ts'
import type { Html } from './html.ts'
import { notice } from './notice.ts'
import type { PageView } from './page-view.ts'

const FAILURES: Readonly<Record<string, readonly [title: string, wayOut: string]>> = {
  wrong: ['That is not the token', 'copy it whole, without spaces around it'],
  often: ['Too many wrong tokens were tried', 'wait a minute, then try again'],
}

/** A path of ours, or the first page: nobody is sent elsewhere after signing in. */
function nextPath(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(next) ? next : '/'
}

export function loginPage(
  view: PageView,
  asked: { readonly next?: string | undefined; readonly failed?: string | undefined },
): Html {
  const [title, wayOut] = (Object.hasOwn(FAILURES, asked.failed ?? '') ? FAILURES[asked.failed!] : undefined) ?? []
  const main = html`<div class="login">
    ${pageHead('Sign in')}
    ${title === undefined ? '' : html`<div role="alert">${notice({ kind: 'bad', title, wayOut })}</div>`}
    <form method="post" action="/login">
      <input type="hidden" name="next" value="${nextPath(asked.next)}" />
      <label for="token">Token</label>
      <input
        id="token"
        name="token"
        type="password"
        autocomplete="current-password"
        required
        autofocus
        aria-describedby="where"
      />
      <button type="submit">Sign in</button>
    </form>
    <p id="where" class="quiet">
      It is what <code>http.tokenFile</code> or <code>http.tokenEnv</code> of the configuration names. Where neither is
      set, the worker makes one at each start, and writes it into <code>http.json</code> in the lake.
    </p>
  </div>`
  return frame(view, { title: 'Sign in', main, isStill: true })
}

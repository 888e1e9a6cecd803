/** What the page, the API and the metrics are made of: handed in by whoever starts the worker. */
import type { Context, Hono } from 'hono'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { Ask } from '../ledger/run-details.ts'
import type { Control } from '../service/control.ts'
import type { Lake } from '../warehouse/lake.ts'
import type { View } from '../warehouse/tables/view.ts'
import type { CohortDesk } from './cohort-desk.ts'
import type { RunQuery } from './query-route.ts'

export interface HttpDeps {
  readonly control: Control
  readonly lake: Lake
  /** Rows of SELECTs of ours on the live database, on a session of its own; never of what somebody sent. */
  readonly ask: Ask
  /** Of the tables in force: asked anew for each request, as a reload may change them. */
  readonly views: readonly View[]
  readonly config: { readonly file: string; readonly version: string }
  readonly clock: Clock
  readonly log: Log
  /** Undefined: this worker answers no queries. */
  readonly query?: RunQuery | undefined
  /** Undefined: none are configured. */
  readonly cohorts?: CohortDesk | undefined
}

/**
 * Of each request, known before any route sees it; `c.var.signedIn` in a route.
 *
 * Beyond loopback the guard has sent a browser that is not signed in to `/login?next=PATH` before a page is asked. On loopback pages are open, and
 * only what shows patients' content asks for `signedIn`. The form of `/login` posts `token` and `next` (a path of ours) to
 * `POST /login`, which answers 303: to `next`, or back to `/login?failed=wrong` or `/login?failed=often`, with `next`.
 * `POST /logout` ends the session and goes to `/`. Without a token, scripts and styles under `/assets/` and `/login` are open.
 */
export interface HttpEnv {
  Variables: {
    /** With the token, or with the cookie that was given for it. */
    readonly signedIn: boolean
    /** Only this machine reaches the worker. */
    readonly isLoopback: boolean
  }
}

/** What is shown where the API knows nothing. */
export interface Pages {
  readonly routes: Hono<HttpEnv>
  /** For an address that nobody knows. */
  unknown(c: Context<HttpEnv>): Promise<Response>
}

/** What every page is rendered from: the worker, and this request. */
import type { Context } from 'hono'
import type { HttpDeps, HttpEnv } from '../deps.ts'

export interface PageView {
  readonly deps: HttpDeps
  readonly now: Date
  /** Of this request, without its query. */
  readonly path: string
  readonly signedIn: boolean
  readonly isLoopback: boolean
}

export type PageContext = Context<HttpEnv>

export function pageView(deps: HttpDeps, c: PageContext): PageView {
  return { deps, now: deps.clock.now(), path: c.req.path, signedIn: c.var.signedIn, isLoopback: c.var.isLoopback }
}

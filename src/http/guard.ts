/** In front of every route: where a request comes from, who asks, and what no answer may do in a browser. */
import type { IncomingMessage } from 'node:http'
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie } from 'hono/cookie'
import type { AccessToken } from './access-token.ts'
import type { BrowserSessions } from './browser-sessions.ts'
import type { HttpEnv } from './deps.ts'
import type { FailedTries } from './failed-tries.ts'
import { Refused } from './refused.ts'
import { isEmbedded, isHostLoopback, isOwnPage, type OriginHeaders } from './request-origin.ts'

export interface Door {
  readonly isLoopback: boolean
  readonly token: AccessToken
  readonly sessions: BrowserSessions
  readonly tries: FailedTries
  /** Two workers of one host have two: cookies know no ports. */
  readonly cookie: string
}

/** Without a token beyond loopback: what signs in, what it looks like, and whether the worker lives, in one word. */
const OPEN = /^\/(?:login|healthz|readyz|assets\/.*)$/

export function guard(door: Door): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const headers = originOf(c)
    if (door.isLoopback && !isHostLoopback(headers.host)) throw foreignHost()
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD'
    if (isRead ? isEmbedded(headers) : !isOwnPage(headers)) throw foreignSite()
    const signedIn = isSignedIn(c, door)
    c.set('signedIn', signedIn)
    c.set('isLoopback', door.isLoopback)
    if (!door.isLoopback && !signedIn && !OPEN.test(c.req.path)) return refuseStranger(c)
    return next()
  }
}

/** For what shows patients' content: also on loopback, which other users of the machine reach as well. */
export const signedInOnly: MiddlewareHandler<HttpEnv> = async (c, next) => {
  if (!c.var.signedIn) throw unauthorized()
  return next()
}

/** Before the guard, so that refusals have them too. */
export const safeHeaders: MiddlewareHandler = async (c, next) => {
  await next()
  for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value)
  // Any answer but these may be about a patient, or is as of now.
  const isAsset = c.req.path.startsWith('/assets/') && [200, 304].includes(c.res.status)
  if (!isAsset || !c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', 'no-store')
}

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
}

/**
 * Of the form, which takes what people think of: after too many wrong ones from an address not even the right one is
 * looked at. @throws Refused
 */
export function isRightInForm(c: Context, door: Door, shown: string): boolean {
  refuseMany(c, door)
  return isRight(c, door, shown)
}

/**
 * Of a program: what is right comes in, however many from its address were wrong, for behind a proxy that is everybody's.
 * What is not, nobody guesses at the speed of requests: a token is random, and 16 characters at least.
 */
function isRight(c: Context, { token, tries }: Door, shown: string): boolean {
  if (token.matches(shown)) return true
  refuseMany(c, { tries })
  tries.failed(addressOf(c))
  return false
}

/** @throws Refused for too many tokens that were wrong, as nobody sends one by chance */
function refuseMany(c: Context, { tries }: Pick<Door, 'tries'>): void {
  const seconds = tries.waitSeconds(addressOf(c))
  if (seconds === 0) return
  throw new Refused(429, 'HTTP_TOO_MANY_TRIES', 'too many tokens from this address were wrong', {
    retryable: true,
    hint: `try again in ${seconds} seconds`,
    headers: { 'Retry-After': String(seconds) },
  })
}

function isSignedIn(c: Context<HttpEnv>, door: Door): boolean {
  const authorization = c.req.header('authorization')
  if (authorization !== undefined) {
    const shown = /^Bearer +(\S+) *$/i.exec(authorization)?.[1]
    if (shown === undefined || !isRight(c, door, shown)) throw unauthorized('the token is wrong')
    return true
  }
  const cookie = getCookie(c, door.cookie)
  return cookie !== undefined && door.sessions.knows(cookie)
}

function refuseStranger(c: Context): Response {
  const wantsPage = c.req.method === 'GET' && (c.req.header('accept') ?? '').includes('text/html')
  if (!wantsPage || c.req.path.startsWith('/api/')) throw unauthorized()
  const { pathname, search } = new URL(c.req.url)
  return c.redirect(`/login?next=${encodeURIComponent(pathname + search)}`, 303)
}

function originOf(c: Context): OriginHeaders {
  return {
    host: c.req.header('host'),
    origin: c.req.header('origin'),
    fetchSite: c.req.header('sec-fetch-site'),
    fetchMode: c.req.header('sec-fetch-mode'),
  }
}

/** Of the connection: what a header says of it anybody can write. */
function addressOf(c: Context): string {
  return (c.env as { readonly incoming?: IncomingMessage } | undefined)?.incoming?.socket.remoteAddress ?? ''
}

function unauthorized(message = 'this needs the token of the worker'): Refused {
  return new Refused(401, 'HTTP_UNAUTHORIZED', message, {
    hint: 'send Authorization: Bearer TOKEN, with the token of the configuration or of http.json in the lake; a browser signs in at /login',
    headers: { 'WWW-Authenticate': 'Bearer realm="stoker"' },
  })
}

function foreignHost(): Refused {
  return new Refused(421, 'HTTP_FOREIGN_HOST', 'the Host header does not name this machine', {
    hint: 'ask 127.0.0.1 or localhost; a worker that others reach listens on another address, with a token (http in the configuration)',
  })
}

function foreignSite(): Refused {
  return new Refused(403, 'HTTP_FOREIGN_SITE', "the request comes from another site's page", {
    hint: 'use the page of the worker; a proxy before it passes the Host header on as it came',
  })
}

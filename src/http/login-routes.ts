/** Signing in from a browser: the token for a cookie, and back to where somebody came from. */
import { Hono, type Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { SESSION_SECONDS } from './browser-sessions.ts'
import type { HttpEnv } from './deps.ts'
import { isRightInForm, type Door } from './guard.ts'
import { Refused } from './refused.ts'
import { bodyText, mediaType } from './request-body.ts'

/** A token and a path. */
const FORM_BYTES = 8 << 10

export function loginRoutes(door: Door): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  app.post('/login', async (c) => {
    if (mediaType(c) !== 'application/x-www-form-urlencoded') {
      throw new Refused(415, 'HTTP_MEDIA_TYPE', 'this is for the form of /login', {
        hint: 'a program sends Authorization: Bearer TOKEN with each request',
      })
    }
    const form = new URLSearchParams(await bodyText(c, FORM_BYTES))
    const next = ownPath(form.get('next'))
    const failed = tried(c, door, form.get('token') ?? '')
    if (failed !== undefined) return c.redirect(`/login?failed=${failed}&next=${encodeURIComponent(next)}`, 303)
    endSession(c, door)
    setCookie(c, door.cookie, door.sessions.begin(), { ...cookieOptions(c), maxAge: SESSION_SECONDS })
    return c.redirect(next, 303)
  })
  app.post('/logout', (c) => {
    endSession(c, door)
    deleteCookie(c, door.cookie, cookieOptions(c))
    return c.redirect('/', 303)
  })
  return app
}

function tried(c: Context, door: Door, token: string): 'wrong' | 'often' | undefined {
  try {
    return isRightInForm(c, door, token.trim()) ? undefined : 'wrong'
  } catch (error) {
    if (error instanceof Refused && error.status === 429) return 'often'
    throw error
  }
}

function endSession(c: Context, { cookie, sessions }: Door): void {
  const id = getCookie(c, cookie)
  if (id !== undefined) sessions.end(id)
}

function cookieOptions(c: Context) {
  // Stoker itself speaks http; a proxy that ends TLS says so, and nobody gains by saying it falsely.
  const secure = c.req.header('x-forwarded-proto') === 'https'
  return { httpOnly: true, sameSite: 'Strict', path: '/', secure } as const
}

/** A path of ours, or the first page: never another site's address, however it is written. */
function ownPath(next: string | null): string {
  const isPath = next !== null && /^\/(?![/\\])[\x21-\x7e]*$/.test(next) && !next.includes('\\')
  return isPath && new URL(next, 'http://stoker.invalid').origin === 'http://stoker.invalid' ? next : '/'
}

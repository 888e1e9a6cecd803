/** Browsers that signed in with the token: each has a cookie of its own, which is not the token and ends by itself. */
import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '../core/clock.ts'

/** A working day. */
export const SESSION_SECONDS = 12 * 3600
const SESSIONS_MAX = 200

/** In memory alone: a worker that starts anew asks for the token again. */
export class BrowserSessions {
  private readonly clock: Clock
  /** By the digest of the cookie's value, the oldest first: when it ends. */
  private readonly ends = new Map<string, number>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** @returns the cookie's value */
  begin(): string {
    const id = randomBytes(32).toString('base64url')
    this.ends.set(digestOf(id), this.clock.now().getTime() + SESSION_SECONDS * 1000)
    const [oldest] = this.ends.keys()
    if (this.ends.size > SESSIONS_MAX) this.ends.delete(oldest!)
    return id
  }

  /** Looked up by a digest: how long that takes tells nothing of a value that is right. */
  knows(id: string): boolean {
    const key = digestOf(id)
    const end = this.ends.get(key)
    if (end !== undefined && end > this.clock.now().getTime()) return true
    this.ends.delete(key)
    return false
  }

  end(id: string): void {
    this.ends.delete(digestOf(id))
  }
}

function digestOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url')
}

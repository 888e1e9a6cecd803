/** The token of a worker: what a caller shows who is not on this machine, or wants to see patients' content. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { Secret } from '../app/secret.ts'

export class AccessToken {
  /** What is compared: texts of any length take the same time, and nothing of the token is told by it. */
  private readonly digest: Buffer

  constructor(token: Secret) {
    this.digest = digestOf(token.reveal())
  }

  matches(text: string): boolean {
    return timingSafeEqual(digestOf(text), this.digest)
  }
}

/** 256 bits. */
export function randomToken(): Secret {
  return new Secret(randomBytes(32).toString('base64url'))
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

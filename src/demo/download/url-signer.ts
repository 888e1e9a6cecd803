/** Signed URLs, as storage services give them out: whoever has one may read the file, until its life is over. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto'

export interface Signing {
  /** Instant at which the URL ends; undefined for never. */
  readonly expiresMs: number | undefined
  /** Makes the URL another one than those before. */
  readonly anew: boolean
}

export class UrlSigner {
  readonly #key = randomBytes(32)

  /** The URL with `expires` (epoch milliseconds), `nonce` and `sig` in its query. */
  sign(url: string, { expiresMs, anew }: Signing): string {
    const signed = new URL(url)
    if (expiresMs !== undefined) signed.searchParams.set('expires', String(expiresMs))
    if (anew) signed.searchParams.set('nonce', randomUUID())
    signed.searchParams.set('sig', this.#signature(signed))
    return signed.href
  }

  check(url: URL, nowMs: number): 'good' | 'expired' | 'unsigned' {
    if (url.searchParams.get('sig') !== this.#signature(url)) return 'unsigned'
    const expires = url.searchParams.get('expires')
    return expires !== null && Number(expires) <= nowMs ? 'expired' : 'good'
  }

  #signature(url: URL): string {
    const words = [url.pathname, url.searchParams.get('expires') ?? '', url.searchParams.get('nonce') ?? '']
    return createHmac('sha256', this.#key).update(words.join(' ')).digest('base64url')
  }
}

/** Where a request comes from, as far as a browser tells: from a page of ours, from another site, or from no page. */
import { isLoopback } from '../app/config-url.ts'

/**
 * Whether the Host header names this machine. A page of another site may have a name of its own point to 127.0.0.1 (DNS
 * rebinding); the browser then takes us for that site, and only this header tells.
 */
export function isHostLoopback(host: string | undefined): boolean {
  const name = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?$/i.exec(host ?? '')?.[1]
  return name !== undefined && isLoopback(name.toLowerCase())
}

export interface OriginHeaders {
  readonly host: string | undefined
  readonly origin: string | undefined
  /** Of browsers, on loopback and over https. */
  readonly fetchSite: string | undefined
  readonly fetchMode: string | undefined
}

/** Whether a request that changes something may be answered. A program sends neither header. */
export function isOwnPage({ host, origin, fetchSite }: OriginHeaders): boolean {
  if (fetchSite !== undefined) return fetchSite === 'same-origin' || fetchSite === 'none'
  if (origin === undefined) return true
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase()
}

/** Another site's page that reads or embeds, rather than a link to us that somebody followed. */
export function isEmbedded({ fetchSite, fetchMode }: OriginHeaders): boolean {
  const isForeign = fetchSite === 'cross-site' || fetchSite === 'same-site'
  return isForeign && fetchMode !== 'navigate'
}

/** URLs: which may be called at all, which may see the token, and how they are shown. */
import { StokerError } from '../../core/errors.ts'

/** Origin and path: a query may hold a signature. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}`
}

const LOOPBACK = /^((.+\.)?localhost|127(\.\d+){3}|\[::1\])\.?$/

/** @throws StokerError BULK_INSECURE for plain http to another machine, unless allowed on purpose. */
export function refuseInsecure(url: URL, allowHttp: boolean): void {
  if (url.protocol === 'https:') return
  if (url.protocol === 'http:' && (allowHttp || LOOPBACK.test(url.hostname))) return
  throw new StokerError('BULK_INSECURE', `${shown(url)} is not https`, {
    hint: "patients' data and tokens would travel in the clear; set allowHttp: true for the source if that is meant",
    facts: { origin: url.origin },
  })
}

/** URLs in the configuration: http or https, no credentials, and plain http only where it is allowed. */
import type { ConfigPath } from './config-document.ts'
import type { ConfigFindings } from './config-findings.ts'

export interface UrlRules {
  readonly allowHttp: boolean
  readonly findings: ConfigFindings
}

/** The FHIR base with a slash at its end; undefined when a mistake was reported. */
export function readBaseUrl(text: string | undefined, path: ConfigPath, rules: UrlRules): URL | undefined {
  const url = readUrl(text, path, rules)
  if (!url) return undefined
  const operation = /\/(\$[^/]+|metadata)\/?$/.exec(url.pathname)
  if (operation || url.search !== '') {
    const extra = operation?.[1] ?? 'a query (?…)'
    rules.findings.mistake(path, `ends in ${extra}`, 'Give the base URL only, the part before /metadata and /$export.')
    return undefined
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

/** Scheme, host and port; undefined when a mistake was reported. */
export function readOrigin(text: string, path: ConfigPath, rules: UrlRules): string | undefined {
  const url = readUrl(text, path, rules)
  if (!url) return undefined
  if (url.pathname !== '/' || url.search !== '') {
    rules.findings.mistake(path, 'is more than an origin', `Leave it at ${url.origin}: the token is allowed by origin.`)
    return undefined
  }
  return url.origin
}

/** Never shows the text itself: a URL may carry a password. */
export function readUrl(text: string | undefined, path: ConfigPath, rules: UrlRules): URL | undefined {
  if (text === undefined) return undefined
  const refuse = (problem: string, wayOut: string): undefined => {
    rules.findings.mistake(path, problem, wayOut)
    return undefined
  }
  const isBare = !/^[a-z][a-z0-9+.-]*:\/\//i.test(text)
  if (isBare || !URL.canParse(text)) {
    return refuse('is no URL', isBare ? 'Write it with https:// in front.' : 'Look at the host and the port.')
  }
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return refuse(`has the scheme ${url.protocol.slice(0, -1)}`, 'Use https.')
  }
  if (url.username !== '' || url.password !== '') {
    return refuse('carries a user name or password', 'Take them out of the URL; signing in belongs under auth.')
  }
  if (url.hash !== '') return refuse('has a fragment (#…)', 'Leave it off.')
  if (url.protocol === 'http:' && !rules.allowHttp && !isLoopback(url.hostname)) {
    const wayOut = 'Use https, or set allowHttp: true beside it if the network between is yours.'
    return refuse('would send tokens and patients in the clear over http', wayOut)
  }
  return url
}

/** This machine itself: localhost and names below it, 127.0.0.0/8, ::1. Takes a `URL`'s hostname. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/\.$/, '')
  return name === 'localhost' || name.endsWith('.localhost') || /^127(\.\d{1,3}){3}$/.test(name) || name === '[::1]'
}

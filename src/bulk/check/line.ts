/** One line of a check: what was looked at, how it is, and the way out. */
import type { StokerError } from '../../core/errors.ts'

export type CheckStep = 'key' | 'server' | 'discovery' | 'token' | 'clock' | 'access' | 'group' | 'kick-off' | 'export'
export type CheckVerdict = 'ok' | 'warning' | 'failed' | 'skipped'

export interface CheckLine {
  readonly step: CheckStep
  readonly verdict: CheckVerdict
  /** In lower case and without a full stop; no token, key or content in it. */
  readonly text: string
  /** What to do; of every failure. */
  readonly wayOut: string | undefined
  /** Of the error, where there was one. */
  readonly code: string | undefined
}

export function line(step: CheckStep, verdict: CheckVerdict, text: string, wayOut?: string): CheckLine {
  return { step, verdict, text, wayOut, code: undefined }
}

/** @param wayOut where the step knows better than the error */
export function failedLine(step: CheckStep, error: StokerError, wayOut = wayOutOf(error)): CheckLine {
  return { step, verdict: 'failed', text: error.message, wayOut, code: error.code }
}

/** What an error's cause asks for, where that is more than its hint. */
export function wayOutOf(error: StokerError): string {
  const cause = typeof error.facts.cause === 'string' ? error.facts.cause : ''
  const known = CAUSES.find(([pattern]) => pattern.test(cause))?.[1]
  return known ?? error.hint ?? 'look at the server with its operator'
}

/** Node's codes of the system, of TLS and of undici. */
const CAUSES: readonly (readonly [RegExp, string])[] = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, 'check the spelling of the host in the URL, and the name server of this machine'],
  [/^ECONNREFUSED$/, 'nobody listens there: check the port in the URL, and that the server is up'],
  [
    /^(ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|UND_ERR_\w*TIMEOUT)$/,
    'check the network between: a firewall, a VPN, a proxy',
  ],
  [/^(CERT_HAS_EXPIRED|CERT_NOT_YET_VALID)$/, "the server's certificate is out of date, or this machine's clock is"],
  [/ALTNAME/, 'the certificate is for another host: use the host name it is made for'],
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_UNTRUSTED)$/,
    'the certificate is of an authority this machine does not know: name its file in NODE_EXTRA_CA_CERTS where Stoker starts',
  ],
  [/^(EPROTO|ERR_SSL_\w+)$/, 'there is no TLS on that port: check https against http, and the port'],
]

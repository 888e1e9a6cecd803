/** What to do about a connection that did not come about or broke, by the code of its error. */

/** @param code Node's, of the system, of TLS or of undici. @returns undefined where it says no more than that it failed */
export function causeHint(code: unknown): string | undefined {
  return typeof code === 'string' ? CAUSES.find(([pattern]) => pattern.test(code))?.[1] : undefined
}

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

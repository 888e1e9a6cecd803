/** The request for an access token, as each kind of client makes it. */
import { readSigningKey, signAssertion } from './assertion.ts'
import type { HttpRequest } from '../http/http.ts'
import type { BulkAuth } from './tokens.ts'
import { shown } from '../http/url.ts'

export type SigningIn = Extract<BulkAuth, { readonly kind: 'private-key-jwt' | 'client-secret' }>

/**
 * `client_credentials` with a signed assertion (SMART Backend Services, "Obtain access token") or with a secret (RFC
 * 6749 §2.3.1).
 * @throws StokerError BULK_KEY_UNUSABLE
 */
export async function tokenRequest(auth: SigningIn, url: URL, now: Date): Promise<HttpRequest> {
  const proof = auth.kind === 'private-key-jwt' ? await assertionProof(auth, url, now) : secretProof(auth, url)
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...proof.form })
  if (auth.scope !== undefined) form.set('scope', auth.scope)
  const scope = auth.scope === undefined ? 'no scope was asked for' : `scope ${auth.scope} was asked for`
  return {
    step: 'token',
    method: 'POST',
    url,
    headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded', ...proof.headers },
    body: form.toString(),
    secrets: proof.secrets,
    hint: `${proof.hint}; ${scope}`,
  }
}

/** How a client shows that it is the one it says. */
interface Proof {
  readonly form: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly secrets: readonly string[]
  /** What to look at when the server does not believe it. */
  readonly hint: string
}

type WithKey = Extract<BulkAuth, { readonly kind: 'private-key-jwt' }>

async function assertionProof(auth: WithKey, url: URL, now: Date): Promise<Proof> {
  const key = readSigningKey(auth.keyText, auth.keyId, auth.algorithm)
  const assertion = await signAssertion(key, auth.clientId, url.href, now)
  const kid = key.kid === undefined ? 'without a kid (auth.keyId gives one)' : `with kid ${key.kid}`
  const client = nameOf(auth.clientId)
  return {
    form: {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    },
    headers: {},
    secrets: [assertion],
    hint: `check that the public key ${kid} (${key.algorithm}) is registered for ${client} at ${shown(url)}`,
  }
}

type WithSecret = Extract<BulkAuth, { readonly kind: 'client-secret' }>

function secretProof(auth: WithSecret, url: URL): Proof {
  const { clientId, secret, method } = auth
  const hint = `check the secret of ${nameOf(clientId)} at ${shown(url)}, and auth.method (basic or post)`
  const coded = encodeURIComponent(secret)
  if (method === 'post') {
    return { form: { client_id: clientId, client_secret: secret }, headers: {}, secrets: [secret, coded], hint }
  }
  // Each part form-encoded before they are joined.
  const pair = Buffer.from(`${encodeURIComponent(clientId)}:${coded}`).toString('base64')
  return { form: {}, headers: { authorization: `Basic ${pair}` }, secrets: [secret, coded, pair], hint }
}

/** The reference server's client ids are tokens of a thousand characters. */
function nameOf(clientId: string): string {
  return clientId.length > 80 || clientId.startsWith('eyJ') ? 'the client' : `client ${clientId}`
}

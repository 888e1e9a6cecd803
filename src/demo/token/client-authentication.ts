/** How a client shows at the token endpoint who it is: by a signed assertion, or by a secret, each if registered. */
import type { JWK } from 'jose'
import type { Clock } from '../../core/clock.ts'
import type { Exchange } from '../exchange.ts'
import { assertionCheck, type AssertionCheck } from './client-assertion.ts'

export interface RegisteredClient {
  readonly clientId: string
  /** For signed assertions, as SMART Backend Services has them. */
  readonly jwks?: { keys: JWK[] }
  /** For HTTP Basic, and for `client_id` and `client_secret` in the body (BCDA). */
  readonly clientSecret?: string
}

/** An error of RFC 6749, section 5.2. */
export interface TokenError {
  readonly status: 400 | 401
  readonly error: string
  readonly description: string
}

/** Says what is wrong with the client's proof, or nothing if it is good. */
export type ClientCheck = (exchange: Exchange, form: URLSearchParams) => Promise<TokenError | undefined>

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export function clientCheck(client: RegisteredClient, tokenUrl: string, clock: Clock): ClientCheck {
  const { jwks } = client
  const checkAssertion = jwks && assertionCheck({ clientId: client.clientId, jwks }, tokenUrl, clock)
  return async (exchange, form) => {
    const shown = client.clientSecret === undefined ? undefined : (basicPair(exchange) ?? postedPair(form))
    if (shown) return secretMistake(client, shown)
    if (checkAssertion) return await assertionMistake(checkAssertion, form)
    return { status: 401, error: 'invalid_client', description: 'A client id and secret are needed.' }
  }
}

/** The names of RFC 7591, section 2, and of SMART for what the client may use. */
export function authenticationMethods({ jwks, clientSecret }: RegisteredClient): string[] {
  return [
    ...(jwks ? ['private_key_jwt'] : []),
    ...(clientSecret === undefined ? [] : ['client_secret_basic', 'client_secret_post']),
  ]
}

async function assertionMistake(check: AssertionCheck, form: URLSearchParams): Promise<TokenError | undefined> {
  const assertion = form.get('client_assertion')
  if (assertion === null || form.get('client_assertion_type') !== ASSERTION_TYPE) {
    const description = `client_assertion is needed, and client_assertion_type ${ASSERTION_TYPE}.`
    return { status: 400, error: 'invalid_request', description }
  }
  const description = await check(assertion)
  return description === undefined ? undefined : { status: 401, error: 'invalid_client', description }
}

interface IdAndSecret {
  readonly id: string
  readonly secret: string
}

function secretMistake({ clientId, clientSecret }: RegisteredClient, shown: IdAndSecret): TokenError | undefined {
  if (shown.id === clientId && shown.secret === clientSecret) return undefined
  return { status: 401, error: 'invalid_client', description: 'The client id or secret is not the registered one.' }
}

function basicPair(exchange: Exchange): IdAndSecret | undefined {
  const encoded = /^Basic +(\S+)$/i.exec(exchange.header('authorization'))?.[1]
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return { id: formDecoded(text.slice(0, Math.max(0, colon))), secret: formDecoded(text.slice(colon + 1)) }
}

function postedPair(form: URLSearchParams): IdAndSecret | undefined {
  const [id, secret] = [form.get('client_id'), form.get('client_secret')]
  return id === null || secret === null ? undefined : { id, secret }
}

/** Both halves are form-encoded before they are put together (RFC 6749, section 2.3.1). */
function formDecoded(text: string): string {
  return new URLSearchParams(`text=${text.replaceAll('&', '%26')}`).get('text') ?? ''
}

/** How a source signs in: the `auth` block of the configuration. */
import type { SigningAlgorithm } from '../bulk/auth/assertion.ts'
import type { ConfigFields } from './config-fields.ts'
import { keyTrouble } from './config-key.ts'
import { type SecretPlaces, readSecret } from './config-secret.ts'
import { type UrlRules, readUrl } from './config-url.ts'
import type { Secret } from './secret.ts'

export type AuthConfig =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'private-key-jwt'
      readonly clientId: string
      /** A private key as PEM, JWK or JWKS text. */
      readonly keyText: Secret
      readonly keyId: string | undefined
      /** Undefined: the one that fits the key. */
      readonly algorithm: SigningAlgorithm | undefined
      /** Undefined: discovered from the server. */
      readonly tokenUrl: URL | undefined
      /** Undefined: the token request carries no scope. */
      readonly scope: string | undefined
    }
  | {
      readonly kind: 'client-secret'
      readonly clientId: string
      readonly secret: Secret
      readonly method: 'basic' | 'post'
      readonly tokenUrl: URL | undefined
      readonly scope: string | undefined
    }
  | { readonly kind: 'bearer'; readonly token: Secret }

/** Medplum answers 403 to an export whose token was asked for with a scope: this word leaves it out. */
const NO_SCOPE = 'none'

/**
 * Undefined when a mistake was reported.
 * @param scopeDefault of the server's profile; undefined asks for none
 */
export async function readAuth(
  fields: ConfigFields,
  places: SecretPlaces,
  rules: UrlRules,
  scopeDefault: string | undefined,
): Promise<AuthConfig | undefined> {
  const kind = fields.text('kind')
  switch (kind) {
    case 'none':
      return { kind }
    case 'private-key-jwt': {
      const keyText = await readSecret(fields, 'key', places)
      const keyId = fields.text('keyId')
      const algorithm = fields.text('algorithm') as SigningAlgorithm | undefined
      const trouble = keyText && keyTrouble(keyText.reveal(), keyId, algorithm)
      if (trouble) fields.mistake(fields.has('keyEnv') ? 'keyEnv' : 'keyFile', ...trouble)
      const client = readClient(fields, rules, scopeDefault)
      return client && keyText && { kind, ...client, keyText, keyId, algorithm }
    }
    case 'client-secret': {
      const secret = await readSecret(fields, 'clientSecret', places)
      const method = fields.text('method') === 'post' ? 'post' : 'basic'
      const client = readClient(fields, rules, scopeDefault)
      return client && secret && { kind, ...client, secret, method }
    }
    case 'bearer': {
      const token = await readSecret(fields, 'token', places)
      return token && { kind, token }
    }
    case undefined:
    default:
      return undefined
  }
}

interface Client {
  readonly clientId: string
  readonly tokenUrl: URL | undefined
  readonly scope: string | undefined
}

function readClient(fields: ConfigFields, rules: UrlRules, scopeDefault: string | undefined): Client | undefined {
  const clientId = fields.text('clientId')
  const tokenUrl = readUrl(fields.text('tokenUrl'), [...fields.path, 'tokenUrl'], rules)
  const scope = fields.text('scope') ?? scopeDefault
  return clientId === undefined ? undefined : { clientId, tokenUrl, scope: scope === NO_SCOPE ? undefined : scope }
}

/** The client's assertion of SMART Backend Services: a JWT signed with its private key. */
import { createPrivateKey, randomUUID, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import { StokerError } from '../../core/errors.ts'

const ALGORITHMS = ['RS384', 'ES384', 'RS256', 'ES256'] as const
export type SigningAlgorithm = (typeof ALGORITHMS)[number]

export interface SigningKey {
  readonly key: KeyObject
  readonly kid: string | undefined
  readonly algorithm: SigningAlgorithm
}

/** The longest life the specification allows (SMART App Launch 2.2, "Client Authentication: Asymmetric"). */
const LIFE_SECONDS = 300

/**
 * @param text a private key as PEM, JWK or JWKS
 * @throws StokerError BULK_KEY_UNUSABLE; it quotes nothing of the text
 */
export function readSigningKey(
  text: string,
  kid: string | undefined,
  algorithm: SigningAlgorithm | undefined,
): SigningKey {
  try {
    const jwk = text.trimStart().startsWith('{') ? chooseJwk(JSON.parse(text) as object, kid) : undefined
    const key = jwk === undefined ? createPrivateKey(text) : createPrivateKey({ key: jwk, format: 'jwk' })
    const ownKid = typeof jwk?.kid === 'string' ? jwk.kid : undefined
    const ownAlgorithm = ALGORITHMS.find((each) => each === jwk?.alg)
    return { key, kid: kid ?? ownKid, algorithm: algorithm ?? ownAlgorithm ?? algorithmFor(key) }
  } catch (cause) {
    if (cause instanceof StokerError) throw cause
    throw new StokerError('BULK_KEY_UNUSABLE', 'the private key can not be read', {
      hint: 'give a private RSA, P-384 or P-256 key as PEM, JWK or JWKS, without a passphrase',
    })
  }
}

/** @throws StokerError BULK_KEY_UNUSABLE when the key is not one of the algorithm's */
export async function signAssertion(
  signing: SigningKey,
  clientId: string,
  audience: string,
  now: Date,
): Promise<string> {
  const { key, kid, algorithm } = signing
  const seconds = Math.floor(now.getTime() / 1000)
  return new SignJWT()
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(kid === undefined ? {} : { kid }) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(audience)
    .setJti(randomUUID())
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + LIFE_SECONDS)
    .sign(key)
    .catch(() => {
      throw new StokerError('BULK_KEY_UNUSABLE', `the private key can not sign with ${algorithm}`, {
        hint: 'check auth.algorithm against the key; an RSA key needs 2048 bits or more',
      })
    })
}

function chooseJwk(value: object, kid: string | undefined): { kid?: unknown; alg?: unknown } {
  const keys = (value as { keys?: unknown }).keys
  if (!Array.isArray(keys)) return value
  const own = (keys as { kid?: unknown; d?: unknown }[]).filter((key) => key.d !== undefined)
  const chosen = kid === undefined ? own[0] : own.find((key) => key.kid === kid)
  if (chosen === undefined) {
    const named = kid === undefined ? '' : ` with kid ${kid}`
    throw new StokerError('BULK_KEY_UNUSABLE', `the key set has no private key${named}`, {
      hint: 'check auth.keyId and the key file',
    })
  }
  return chosen
}

function algorithmFor(key: KeyObject): SigningAlgorithm {
  if (key.asymmetricKeyType === 'rsa') return 'RS384'
  if (key.asymmetricKeyDetails?.namedCurve === 'secp384r1') return 'ES384'
  if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256'
  throw new StokerError('BULK_KEY_UNUSABLE', 'the private key is of a kind SMART does not know', {
    hint: 'make an RSA (2048 bits or more), P-384 or P-256 key',
  })
}

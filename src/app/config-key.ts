/** Whether a configured private key is one, fits its algorithm, and can be told apart from its neighbours. */
import { type KeyObject, createPrivateKey } from 'node:crypto'
import type { SigningAlgorithm } from '../bulk/auth/assertion.ts'
import type { Trouble } from './config-findings.ts'

/** What is wrong with the key text, and the way out; undefined when it can sign. Never shows any of it. */
export function keyTrouble(
  text: string,
  keyId: string | undefined,
  algorithm: SigningAlgorithm | undefined,
): Trouble | undefined {
  if (text.startsWith('{')) return jsonTrouble(text, keyId, algorithm)
  if (/-----BEGIN (RSA |EC )?PUBLIC KEY-----/.test(text)) return PUBLIC
  if (text.includes('ENCRYPTED')) {
    return ['the key is protected by a passphrase', 'Store it without one: openssl pkcs8 -in key.pem -out plain.pem.']
  }
  try {
    return fitTrouble(createPrivateKey(text), algorithm)
  } catch {
    return ['the text is no private key', 'Give a PEM (-----BEGIN PRIVATE KEY-----), a JWK or a JWKS.']
  }
}

const PUBLIC = ['this is the public key', 'Give the private one; the public one is for the server.'] as const

function jsonTrouble(
  text: string,
  keyId: string | undefined,
  algorithm: SigningAlgorithm | undefined,
): Trouble | undefined {
  const keys = readJwks(text)
  if (keys.length === 0) return ['the JSON is no JWK and no JWKS', 'Look for a key cut off while copying.']
  const named = keyId === undefined ? keys : keys.filter((key) => key.kid === keyId || keys.length === 1)
  if (named.length === 0) return [`the JWKS has no key ${keyId ?? ''}`, 'Give the kid of one of its keys as keyId.']
  const own = named.filter((key) => typeof key.d === 'string')
  if (own.length === 0) return PUBLIC
  const troubles = own.map((key) => jwkTrouble(key, algorithm))
  return troubles.includes(undefined) ? undefined : troubles[0]
}

type Jwk = Readonly<Record<string, unknown>>

function readJwks(text: string): readonly Jwk[] {
  try {
    const value = JSON.parse(text) as { keys?: unknown; kty?: unknown }
    const keys: unknown[] = Array.isArray(value.keys) ? value.keys : typeof value.kty === 'string' ? [value] : []
    return keys.filter((key): key is Jwk => typeof key === 'object' && key !== null)
  } catch {
    return []
  }
}

function jwkTrouble(key: Jwk, algorithm: SigningAlgorithm | undefined): Trouble | undefined {
  try {
    return fitTrouble(createPrivateKey({ key, format: 'jwk' }), algorithm)
  } catch {
    return ['the JWK is not whole', 'Copy it again with all of its members.']
  }
}

const RSA_BITS_MIN = 2048

function fitTrouble(key: KeyObject, algorithm: SigningAlgorithm | undefined): Trouble | undefined {
  const fitting = fittingAlgorithms(key)
  if (fitting.length === 0) {
    return ['the key is of a kind no SMART server takes', `Make one of RSA (${RSA_BITS_MIN} bits or more) or P-384.`]
  }
  if (algorithm === undefined || fitting.includes(algorithm)) return undefined
  return [`the key can not sign ${algorithm}`, `Set algorithm to ${fitting.join(' or ')}, or leave it out.`]
}

function fittingAlgorithms(key: KeyObject): readonly SigningAlgorithm[] {
  const details = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'rsa') return (details.modulusLength ?? 0) >= RSA_BITS_MIN ? ['RS384', 'RS256'] : []
  if (details.namedCurve === 'secp384r1') return ['ES384']
  if (details.namedCurve === 'prime256v1') return ['ES256']
  return []
}

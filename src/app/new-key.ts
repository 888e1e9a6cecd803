/** A new key pair for SMART Backend Services: the private half into a file, the public half to register. */
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { FOLDER_MODE, writeWhole } from '../core/durable.ts'
import type { SigningAlgorithm } from '../bulk/auth/assertion.ts'
import { writeNewKey } from './key-file.ts'

export interface NewKeyOptions {
  /** Where the private key goes, as a JWK, for its owner's eyes only. */
  readonly file: string
  readonly algorithm: SigningAlgorithm
  /** Undefined: the key's thumbprint (RFC 7638). */
  readonly keyId: string | undefined
  /** A file that is there is replaced. */
  readonly force: boolean
}

export interface NewKey {
  /** Absolute. */
  readonly file: string
  readonly keyId: string
  /** What the server is given: it holds the public half alone. */
  readonly jwks: { readonly keys: readonly JWK[] }
}

/** NIST SP 800-131A allows 2048 bits until 2030. */
const RSA_BITS = 3072

/** @throws StokerError USAGE_KEY_EXISTS, or what the operating system says of the file */
export async function makeKey({ file, algorithm, keyId, force }: NewKeyOptions): Promise<NewKey> {
  const path = resolve(file)
  const options = { extractable: true, ...(algorithm.startsWith('RS') ? { modulusLength: RSA_BITS } : {}) }
  const { privateKey, publicKey } = await generateKeyPair(algorithm, options)
  const publicJwk = await exportJWK(publicKey)
  const kid = keyId ?? (await calculateJwkThumbprint(publicJwk))
  const facts = { kid, alg: algorithm, use: 'sig' }
  const text = `${JSON.stringify({ ...(await exportJWK(privateKey)), ...facts }, null, 2)}\n`
  if (force) await replaceKey(path, text)
  else await writeNewKey(path, text, '--force to replace the key for good')
  return { file: path, keyId: kid, jwks: { keys: [{ ...publicJwk, ...facts }] } }
}

async function replaceKey(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE })
  await writeWhole(path, text)
}

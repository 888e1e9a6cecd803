/** A fresh key pair for one client of the demo server: the private half for the client, the public half to register. */
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import type { RegisteredClient } from './token/client-authentication.ts'

export interface DemoKeyPair extends RegisteredClient {
  /** The private key as a JWK with `kid` and `alg`. */
  readonly privateJwk: JWK
  readonly jwks: { keys: JWK[] }
}

export async function demoKeyPair(
  algorithm: 'ES384' | 'RS384' | 'ES256' | 'RS256' = 'ES384',
  clientId = 'stoker-demo',
): Promise<DemoKeyPair> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const facts = { kid: `${clientId}-${algorithm.toLowerCase()}`, alg: algorithm, use: 'sig' }
  return {
    clientId,
    privateJwk: { ...(await exportJWK(privateKey)), ...facts },
    jwks: { keys: [{ ...(await exportJWK(publicKey)), ...facts }] },
  }
}

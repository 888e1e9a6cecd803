/** `stoker keys new`: a private key that only its owner reads, and a public one to register. */
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify, type JWK } from 'jose'
import { expect, test } from 'vitest'
import { readSigningKey, signAssertion } from '../../src/bulk/auth/assertion.ts'
import { makeFolder, stoker } from './command.ts'

const SECRET_PARTS = ['d', 'p', 'q', 'dp', 'dq', 'qi']

async function jwkOf(file: string): Promise<JWK> {
  return JSON.parse(await readFile(file, 'utf8')) as JWK
}

test.each(['ES384', 'RS384', 'ES256', 'RS256'] as const)(
  'a new %s key signs what its public half proves',
  async (algorithm) => {
    const file = join(await makeFolder(), 'keys', 'one.jwk')
    const { code, stdout, stderr } = await stoker('keys', 'new', '--out', file, '--algorithm', algorithm)
    expect(code).toBe(0)
    const jwks = JSON.parse(stdout) as { keys: JWK[] }
    expect(jwks.keys).toMatchObject([{ alg: algorithm, use: 'sig' }])
    expect(jwks.keys[0]!.kid).toBe(await calculateJwkThumbprint(jwks.keys[0]!))
    expect(Object.keys(jwks.keys[0]!).filter((key) => SECRET_PARTS.includes(key))).toEqual([])
    const key = readSigningKey(await readFile(file, 'utf8'), undefined, undefined)
    const assertion = await signAssertion(key, 'me', 'https://auth.example.org/token', new Date())
    const { protectedHeader } = await jwtVerify(assertion, createLocalJWKSet(jwks))
    expect(protectedHeader).toMatchObject({ alg: algorithm, kid: jwks.keys[0]!.kid })
    expect(stderr).toMatch(/Register the public JWKS[^]*clientId[^]*stoker check/)
    expect(stderr).toContain(file)
    expect(stdout + stderr).not.toContain((await jwkOf(file)).d)
  },
)

test('the file is for its owner alone', async ({ skip }) => {
  if (process.platform === 'win32') skip('Windows keeps no such bits')
  const folder = await makeFolder()
  await stoker('keys', 'new', '--out', join(folder, 'keys/one.jwk'))
  expect((await stat(join(folder, 'keys/one.jwk'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(folder, 'keys'))).mode & 0o777).toBe(0o700)
})

test('a key that is there is kept, unless it is to be replaced', async () => {
  const file = join(await makeFolder(), 'one.jwk')
  await writeFile(file, 'the old key')
  const refused = await stoker('keys', 'new', '--out', file)
  expect(refused).toMatchObject({ code: 2, stdout: '' })
  expect(refused.stderr).toMatch(/is there already[^]*--force/)
  expect(await readFile(file, 'utf8')).toBe('the old key')
  expect(await stoker('keys', 'new', '--out', file, '--force', '--key-id', 'mine')).toMatchObject({ code: 0 })
  expect(await jwkOf(file)).toMatchObject({ kid: 'mine', alg: 'ES384' })
})

test('--json gives the JWKS and no word more', async () => {
  const file = join(await makeFolder(), 'one.jwk')
  const { stdout, stderr } = await stoker('keys', 'new', '--out', file, '--json')
  expect(JSON.parse(stdout)).toMatchObject({ keys: [{ kty: 'EC' }] })
  expect(stderr).toBe('')
})

test('what is missing or unknown on the command line ends with 2', async () => {
  const file = join(await makeFolder(), 'one.jwk')
  expect(await stoker('keys', 'new')).toMatchObject({ code: 2 })
  expect(await stoker('keys', 'new', '--out', file, '--algorithm', 'HS256')).toMatchObject({ code: 2 })
  expect(await stoker('keys')).toMatchObject({ code: 2 })
})

/** A wrapped secret shows itself to nobody who did not ask for it. */
import { format, inspect } from 'node:util'
import { expect, test } from 'vitest'
import { Secret } from '../../src/app/secret.ts'

const secret = new Secret('hush')

test('a secret is given only by reveal()', () => {
  expect(secret.reveal()).toBe('hush')
})

test.each([
  ['a template string', () => `${String(secret)}`],
  ['JSON', () => JSON.stringify({ auth: { secret } })],
  ['inspect', () => inspect({ auth: { secret } }, { showHidden: true, depth: 9 })],
  ['format', () => format('%s %o %j', secret, secret, secret)],
  ['its own properties', () => JSON.stringify({ ...secret })],
])('%s does not show a secret', (_name, show) => {
  expect(show()).not.toContain('hush')
})

/** The commands that read a lake: what they want of the configuration, and what they do not. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeFolder, stoker } from './command.ts'

async function configuration(lines: string): Promise<string> {
  const file = join(await makeFolder(), 'stoker.yaml')
  await writeFile(file, lines)
  return file
}

const SOURCE = `sources:
  - name: clinic
    baseUrl: https://clinic.example.org/fhir
    auth: {kind: client-secret, clientId: me, clientSecretEnv: STOKER_TEST_NOT_SET}
    level: sistem
    profile: ./gone.yaml
`

test.each([
  ['status', [], 'LAKE_NONE'],
  ['query', ['SELECT 1'], 'LAKE_NONE'],
  ['runs', [], 'LAKE_NONE'],
])('%s needs no server, so it asks for no secret and stops at no mistake in a source', async (name, words, code) => {
  const config = await configuration(`lake: lake\n${SOURCE}`)
  const { stderr } = await stoker(name, ...words, '--config', config)
  expect(stderr).toContain(`code: ${code}`)
  expect(stderr).not.toContain('STOKER_TEST_NOT_SET')
})

test('a mistake in what they read is told, and no other', async () => {
  const config = await configuration(`lake: lake\nmemoryLimit: 1 MiB\n${SOURCE}`)
  const { code, stderr } = await stoker('status', '--config', config)
  expect(code).toBe(2)
  expect(stderr).toContain('2:14 memoryLimit: is too little')
  expect(stderr).toContain('1 mistake in ')
})

test('sync and check want the secret, and name the variable', async () => {
  const config = await configuration(`lake: lake\n${SOURCE.replace('sistem', 'system').replace(/.*gone.*\n/, '')}`)
  for (const name of ['sync', 'check']) {
    const { code, stderr } = await stoker(name, '--config', config)
    expect(code).toBe(2)
    expect(stderr).toContain('the environment variable STOKER_TEST_NOT_SET is not set')
  }
})

/** `stoker demo-server` as a process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { MAIN, makeFolder, stoker } from './command.ts'

test('a key that is there is never written over', async () => {
  const key = join(await makeFolder(), 'key.jwk')
  await writeFile(key, 'precious')
  const { code, stdout, stderr } = await stoker('demo-server', '--port', '0', '--patients', '1', '--new-key', key)
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(stderr).toContain(`${key} is there already`)
  expect(stderr).toContain(`give another path, or --jwks ${key} to go on with the key that is there`)
  expect(await readFile(key, 'utf8')).toBe('precious')
})

test('a server that can not start leaves no key behind', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void taken.close())
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  const key = join(await makeFolder(), 'key.jwk')
  const { code } = await stoker('demo-server', '--port', String(port), '--patients', '1', '--new-key', key)
  expect(code).not.toBe(0)
  await expect(readFile(key)).rejects.toThrow('ENOENT')
})

test('a key of an earlier start can be served again, and stands in the configuration that is printed', async () => {
  const key = join(await makeFolder(), 'key.jwk')
  for (const option of ['--new-key', '--jwks']) {
    const stdout = await printed('demo-server', '--port', '0', '--patients', '1', option, key)
    expect(stdout).toContain('auth        SMART Backend Services, client stoker-demo')
    expect(stdout).toContain(`keyFile: ${key}\n`)
  }
})

/** What a command prints until it waits for Ctrl-C, which it gets. */
async function printed(...words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    if (text.includes('Ctrl-C')) child.kill('SIGINT')
  })
  expect(await ended).toEqual([0, null])
  return stdout
}

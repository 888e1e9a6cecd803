/** `stoker demo-server` as a process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkConfigured } from '../../src/app/check-context.ts'
import { loadConfig } from '../../src/app/config.ts'
import type { CheckLine } from '../../src/bulk/check/line.ts'
import { silentLog } from '../../src/core/log.ts'
import { DEMO_SERVERS } from '../../src/demo/demo-servers.ts'
import { MAIN, makeFolder, stoker } from './command.ts'

const SMALL = ['demo-server', '--port', '0', '--patients', '2']
const { signal } = new AbortController()

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
    const stdout = await whileItWaits([...SMALL, option, key], async () => undefined)
    expect(stdout).toContain('auth        SMART Backend Services, client stoker-demo')
    expect(stdout).toContain(`keyFile: ${key}\n`)
  }
})

test('the Groups that an export can be of are named', async () => {
  const stdout = await whileItWaits(SMALL, async () => undefined)
  expect(stdout).toMatch(/^groups {6}all, \S+, \S+/m)
})

test.each(Object.keys(DEMO_SERVERS))(
  'the configuration that is printed for a server like %s names its profile, and passes a check to the kick-off',
  async (name) => {
    const file = join(await makeFolder(), 'stoker.yaml')
    const lines: CheckLine[] = []
    const printed = await whileItWaits([...SMALL, '--like', name], async (stdout) => {
      await writeFile(file, /A stoker\.yaml for it:\n(.*?)\n\n/s.exec(stdout)![1]!)
      const [source] = (await loadConfig(file, {})).sources
      for await (const line of checkConfigured(source!, { log: silentLog, signal, tryExport: true })) lines.push(line)
    })
    expect(printed).toContain(`    profile: ${name}\n`)
    expect(lines.filter(({ verdict }) => verdict === 'failed')).toEqual([])
    expect(lines.filter(({ step }) => step === 'export')).toMatchObject([{ verdict: 'ok' }, { verdict: 'ok' }])
  },
)

/** What a command prints until it waits for Ctrl-C, which it gets when `act` is done. */
async function whileItWaits(words: readonly string[], act: (stdout: string) => Promise<void>): Promise<string> {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'close')
  let stdout = ''
  for await (const text of child.stdout.setEncoding('utf8')) {
    stdout += text as string
    if (stdout.includes('Ctrl-C')) break
  }
  try {
    await act(stdout)
  } finally {
    child.kill('SIGINT')
    expect(await ended).toEqual([0, null])
  }
  return stdout
}

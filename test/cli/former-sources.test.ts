/** A source that was renamed in the configuration while a run of it was open, and what is said and done about it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { PLAIN_BEHAVIOUR } from '../../src/demo/behaviour.ts'
import { startDemoServer, type DemoServer } from '../../src/demo/server.ts'
import { copyViews } from '../scenario/harness.ts'
import { MAIN, stoker } from './command.ts'

const NOTE = 'no longer in the configuration: h; its rows stay as they are'

interface StatusJson {
  readonly former: readonly string[]
  readonly runs: readonly { source: string; state: string; error_code: string | null }[]
}

let server: DemoServer
let folder: string
let config: string

/** `h` waits for its export, is stopped, and is called `h2` from then on. */
beforeAll(async () => {
  server = await startDemoServer({ patients: 2, behaviour: { neverDone: true } })
  folder = await mkdtemp(join(tmpdir(), 'stoker-renamed-'))
  config = join(folder, 'stoker.yaml')
  await copyViews(['patient'], join(folder, 'views'))
  await configure('h')
  const child = spawn(process.execPath, [MAIN, 'sync', '--config', config], { stdio: 'ignore' })
  const ended = once(child, 'close')
  await vi.waitFor(() => expect(server.requests.polls).toBeGreaterThan(0), { timeout: 20_000 })
  child.kill('SIGINT')
  expect(await ended).toEqual([130, null])
  server.behaviour = { ...PLAIN_BEHAVIOUR, pollsBeforeDone: 0 }
  await configure('h2')
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

async function configure(name: string): Promise<void> {
  await writeFile(
    config,
    `lake: lake
views: {shipped: false, folders: [views]}
sources:
  - {name: ${name}, baseUrl: '${server.baseUrl}', auth: {kind: none}, level: system, types: [Patient]}
`,
  )
}

async function statusOf(): Promise<StatusJson> {
  return JSON.parse((await stoker('status', '--config', config, '--json')).stdout) as StatusJson
}

test('sync and status name a source that the lake has and the configuration lacks', async () => {
  const synced = await stoker('sync', '--config', config)
  expect(synced.code, synced.stderr).toBe(0)
  expect(synced.stderr.split('\n').filter((line) => line.includes('no longer'))).toEqual([`note: ${NOTE}`])
  expect((await stoker('status', '--config', config)).stdout).toContain(`\n${NOTE}\n`)
  expect((await statusOf()).former).toEqual(['h'])
  expect((await stoker('status', '--lake', join(folder, 'lake'))).stdout).not.toContain('no longer')
})

test('a run of such a source is given up in the ledger and on the disk, and what stays at the server is told', async () => {
  const raw = join(folder, 'lake', 'staging', '1')
  await mkdir(raw, { recursive: true })
  const cancelled = await stoker('cancel', 'h', '--config', config)
  expect(cancelled).toMatchObject({
    code: 0,
    stdout:
      'h: run 1 is cancelled; 1 export could not be deleted at the server, as its server is no longer configured\n',
    stderr: '',
  })
  const { runs } = await statusOf()
  expect(runs.filter(({ source }) => source === 'h')).toMatchObject([{ state: 'failed', error_code: 'CANCELLED' }])
  await expect(access(raw)).rejects.toThrow('ENOENT')
  expect((await stoker('cancel', 'h', '--config', config)).stdout).toBe('h: no run is under way\n')
  expect(await stoker('cancel', 'h3', '--config', config)).toMatchObject({ code: 2, stdout: '' })
})

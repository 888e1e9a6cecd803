import { DuckDBInstance } from '@duckdb/node-api'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ended, MAIN, Scenario, type Ended } from './harness.ts'

const TYPES = '    types: [Patient]\n'

let scenario: Scenario
beforeEach(async () => {
  // A server that is never done: its export is waited for as long as the test wants.
  scenario = await Scenario.start({ patients: 2, behaviour: { pollsBeforeDone: 100_000 }, views: ['patient'] }, TYPES)
})
afterEach(() => scenario.stop())

interface Locked {
  readonly error: { code: string; message: string; hint: string; retryable: boolean; facts: Record<string, unknown> }
}

function lockedOf(result: Ended): Locked['error'] {
  expect([result.code, result.stderr]).toEqual([5, expect.stringContaining('code: STORE_LOCKED')])
  return (JSON.parse(result.stdout) as Locked).error
}

/** Resolves when the worker waits for its server, with the lake in its hands. */
function waiting(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = ''
    child.stderr!.on('data', (text: Buffer) => {
      seen += String(text)
      if (/: asked for/.test(seen)) resolve()
    })
    child.on('close', () => reject(new Error(seen)))
  })
}

const workerFile = () => join(scenario.lake, 'worker.json')

describe('a second process', () => {
  test('is told which command holds the lake, by which PID, since when, and how to stop it; once it is stopped, the lake is free', async () => {
    const holder = scenario.spawn('sync')
    const holderEnded = ended(holder)
    await waiting(holder)
    expect((await stat(workerFile())).mode & 0o777).toBe(0o600)
    const { message, hint, facts, retryable } = lockedOf(await scenario.run('sync', '--json'))
    const { startedAt } = JSON.parse(await readFile(workerFile(), 'utf8')) as { startedAt: string }
    const command = `stoker sync --config ${scenario.config}`
    expect(message).toContain(
      `${command} is writing to this lake: PID ${holder.pid} on host ${hostname()}, since ${startedAt}`,
    )
    expect(hint).toContain(`kill -TERM ${holder.pid}:`)
    expect(retryable).toBe(true)
    expect(facts).toMatchObject({
      lock_pid: holder.pid,
      worker_pid: holder.pid,
      worker_host: hostname(),
      worker_command: command,
      worker_since: startedAt,
    })
    holder.kill('SIGTERM')
    expect((await holderEnded).code).toBe(143)
    expect(existsSync(workerFile())).toBe(false)
    expect((await scenario.run('cancel', 'demo')).code).toBe(0)
  })

  test('that comes after a killed one takes over, whatever that left behind', async () => {
    const killed = scenario.spawn('sync')
    const killedEnded = ended(killed)
    await waiting(killed)
    killed.kill('SIGKILL')
    await killedEnded
    expect(JSON.parse(await readFile(workerFile(), 'utf8'))).toMatchObject({ pid: killed.pid })
    const spilled = join(scenario.lake, 'temp', `${killed.pid}-1-1`)
    await mkdir(spilled, { recursive: true })
    expect((await scenario.run('cancel', 'demo')).code).toBe(0)
    expect([existsSync(workerFile()), existsSync(spilled)]).toEqual([false, false])
  })

  test('that starts in the moment in which the first ends gets the lake or is told of it, and never anything else', async () => {
    const first = scenario.spawn('sync')
    const firstEnded = ended(first)
    await waiting(first)
    first.kill('SIGTERM')
    const [one, two] = await Promise.all([
      scenario.run('cancel', 'demo', '--json'),
      scenario.run('cancel', 'demo', '--json'),
      firstEnded,
    ])
    for (const { code, stderr } of [one, two]) {
      expect([0, 5], stderr).toContain(code)
      if (code === 5) expect(stderr).toMatch(/stoker (sync|cancel) --config .* is writing to this lake/)
    }
    expect((await scenario.run('cancel', 'demo')).code).toBe(0)
    expect(existsSync(workerFile())).toBe(false)
  })

  test('is told what is known of a program that is no worker and holds the database', async () => {
    expect((await scenario.run('cancel', 'demo')).code).toBe(0)
    const shell = await DuckDBInstance.create(join(scenario.lake, 'warehouse.duckdb'), { access_mode: 'READ_ONLY' })
    try {
      const { message, hint, facts } = lockedOf(await scenario.run('sync', '--json'))
      expect(message).toContain(`another program has the database of this lake open: PID ${process.pid} on this host`)
      expect(hint).toContain('a duckdb shell, perhaps')
      expect(facts).toMatchObject({ lock_pid: process.pid, path: join(scenario.lake, 'warehouse.duckdb') })
      expect(facts).not.toHaveProperty('worker_pid')
    } finally {
      shell.closeSync()
    }
  })
})

describe('in containers that share a lake', () => {
  const APART = ['-rpmuf', '--mount-proc', '--kill-child']

  test('a worker is named by its own host and number, and by the number it has outside where that can be seen', async ({
    skip,
  }) => {
    const tried = spawnSync('unshare', [...APART, 'hostname', 'etl-0'], { encoding: 'utf8' })
    if (tried.status !== 0) skip(`no private namespaces here: ${tried.error?.message ?? tried.stderr.trim()}`)
    const container = (host: string, ...args: string[]) =>
      spawn('unshare', [...APART, 'sh', '-c', 'hostname "$0" && exec "$@"', host, process.execPath, MAIN, ...args], {
        cwd: scenario.folder,
        stdio: ['ignore', 'pipe', 'pipe'],
      })
    const holder = container('etl-1', 'sync')
    const holderEnded = ended(holder)
    await waiting(holder)
    const { pid } = JSON.parse(await readFile(workerFile(), 'utf8')) as { pid: number }
    expect(pid).toBeLessThan(20)

    const outside = lockedOf(await scenario.run('sync', '--json'))
    const seen = Number(outside.facts.lock_pid)
    expect(seen).not.toBe(pid)
    expect(outside.message).toMatch(
      new RegExp(`PID ${pid} on host etl-1, .*; the lock is held by PID ${seen} on this host`),
    )
    expect(outside.hint).toContain(`kill -TERM ${seen}:`)

    const beside = lockedOf(await ended(container('etl-2', 'sync', '--json')))
    expect(beside.message).toMatch(new RegExp(`PID ${pid} on host etl-1, .* that cannot be seen from here`))
    expect(beside.hint).toContain(`where it runs, on etl-1 (kill -TERM ${pid}:`)
    expect(beside.facts).not.toHaveProperty('lock_pid')

    holder.kill('SIGKILL')
    await holderEnded
    expect((await scenario.run('cancel', 'demo')).code).toBe(0)
  })
})

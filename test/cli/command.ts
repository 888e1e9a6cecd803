/** The command: run in this process, which starts nothing, or as a process of its own. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { runProgram } from '../../src/cli/program.ts'

/** `npm test` builds it before the tests run. */
export const MAIN = new URL('../../dist/main.js', import.meta.url).pathname

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What the commands under way in this process have written. */
const written = new AsyncLocalStorage<{ stdout: string; stderr: string }>()

for (const name of ['stdout', 'stderr'] as const) {
  const stream = process[name]
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const into = written.getStore()
    if (into === undefined) return write(chunk, ...rest)
    into[name] += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
    const done = rest.at(-1)
    if (typeof done === 'function') process.nextTick(done)
    return true
  }
}

/**
 * Runs a command to its end in this process: what takes a process half a second takes this a hundredth. Not for what is
 * about a process (signals, locks, the log, which goes to standard error by itself). `stoker query` goes to another folder:
 * `stokerIn` comes back from it.
 */
export async function stoker(...words: readonly string[]): Promise<Ended> {
  const into = { stdout: '', stderr: '' }
  const code = await written.run(into, () => runProgram([process.execPath, MAIN, ...words]))
  return { code, ...into }
}

/** The same in this folder, one command at a time. */
export async function stokerIn(folder: string, ...words: readonly string[]): Promise<Ended> {
  const before = process.cwd()
  process.chdir(folder)
  try {
    return await stoker(...words)
  } finally {
    process.chdir(before)
  }
}

/** The real command, run as a process of its own. */
export async function stokerProcess(...words: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject))
  return { code, stdout, stderr }
}

/** Gone when the test is over. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

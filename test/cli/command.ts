/** The command: run by a process that has run others before, or as a process of its own. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { ended, MAIN, type Ended } from '../scenario/harness.ts'
import { runWarm } from '../scenario/warm-command.ts'

export { MAIN, type Ended }

/** Runs a command to its end. Not for what is about a process: signals, locks, how it ends. */
export function stoker(...words: readonly string[]): Promise<Ended> {
  return runWarm(process.cwd(), words)
}

/** The same in this folder. */
export function stokerIn(folder: string, ...words: readonly string[]): Promise<Ended> {
  return runWarm(folder, words)
}

/** The real command, run as a process of its own. */
export function stokerProcess(...words: readonly string[]): Promise<Ended> {
  return ended(spawn(process.execPath, [MAIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** Gone when the test is over. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'stoker-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

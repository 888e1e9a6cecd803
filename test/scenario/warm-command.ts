/**
 * The real command in a process of its own that has run commands before: two thirds of what a short command costs go into
 * reading and compiling its code. What a process does when it starts, is stopped, is killed or ends is no matter for this.
 */
import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Ended } from './harness.ts'

const MARK = '\u0000the command is over\u0000'

/** Those that run nothing now. They end with this process. */
const idle: ChildProcess[] = []

/**
 * Runs the command to its end, of which a process is not a part.
 *
 * @param env variables of this command alone
 */
export async function runWarm(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const host = idle.pop() ?? startHost()
  const [stdout, stderr] = [textUntilMark(host, host.stdout!), textUntilMark(host, host.stderr!)]
  const code = new Promise<number | null>((resolve) => {
    host.once('message', (message) => resolve((message as { code: number }).code))
    host.once('exit', resolve)
  })
  host.send({ args, cwd, env, umask: process.umask(), mark: MARK })
  const ended = { code: await code, signal: host.signalCode, stdout: await stdout, stderr: await stderr }
  host.removeAllListeners('exit')
  if (host.connected) idle.push(host)
  return ended
}

function startHost(): ChildProcess {
  const host = fork(new URL('command-host.js', import.meta.url), { silent: true, execArgv: [] })
  // None of them keeps this process alive; a test that waits for one does so by its own time limit.
  host.unref()
  host.channel!.unref()
  for (const stream of [host.stdout!, host.stderr!]) (stream.setEncoding('utf8') as Socket).unref()
  return host
}

/** What comes on the stream, until the mark or the end of the process. */
function textUntilMark(host: ChildProcess, stream: NodeJS.ReadableStream): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    const finish = () => {
      stream.off('data', read)
      host.off('close', finish)
      resolve(text.replace(MARK, ''))
    }
    const read = (more: string) => {
      text += more
      if (text.endsWith(MARK)) finish()
    }
    stream.on('data', read)
    host.on('close', finish)
  })
}

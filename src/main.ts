#!/usr/bin/env node
/** Entry: arguments → command → exit code. */
import { runProgram } from './cli/program.ts'

// Whoever reads has read enough (`stoker query … | head`): no error, and nothing more to say.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
  if (code !== 'EPIPE') process.stderr.write(`stoker: the output can not be written (${code})\n`)
  process.exit(code === 'EPIPE' ? process.exitCode : 3)
})
// Progress nobody reads does not stop a run.
process.stderr.on('error', () => undefined)

process.exitCode = await runProgram(process.argv)

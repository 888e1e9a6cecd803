#!/usr/bin/env node
/** Entry: arguments → command → exit code. */
import { runProgram } from './cli/program.ts'

process.exitCode = await runProgram(process.argv)

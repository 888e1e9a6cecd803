/** An error as an operator reads it: what failed, whether it is worth retrying, what to do. */
import { StokerError } from '../core/errors.ts'
import { isUsage } from './exit-code.ts'

/**
 * @param trace with the stack and the causes, which may quote data
 * @param about whose error it is, such as a source's name
 * @param isWatched by somebody at a terminal. What else takes standard error keeps it, as a log
 */
export function errorText(error: unknown, trace: boolean, about?: string, isWatched = process.stderr.isTTY): string {
  const begin = about === undefined ? 'stoker:' : `stoker: ${about}:`
  const lines: string[] = []
  if (error instanceof StokerError) {
    const said = trace || isWatched || !OF_SERVERS.test(error.code) ? error.message : error.record
    lines.push(`${begin} ${said}`)
    if (said !== error.message) lines.push('  the server says more: it is shown on a terminal, and with --trace')
    if (error.hint !== undefined) lines.push(`  what to do: ${error.hint}`)
    if (!isUsage(error)) {
      lines.push(
        `  worth retrying: ${error.retryable ? 'yes, the same command goes on where it stopped' : 'not before something has changed'}`,
      )
    }
    lines.push(`  code: ${error.code}`)
  } else {
    const name = error instanceof Error ? error.name : typeof error
    lines.push(`${begin} an error of Stoker itself (${name})`)
    lines.push(
      '  what to do: run again with --trace to see where it comes from (the trace may quote data), and report it',
    )
  }
  if (trace) lines.push(...traceLines(error))
  return `${lines.join('\n')}\n`
}

/** They quote a server, which may name a patient. Errors of a query quote what was asked, to who asked it. */
const OF_SERVERS = /^BULK_/

function traceLines(error: unknown): string[] {
  const lines: string[] = []
  for (let each: unknown = error, depth = 0; each !== undefined && depth < 8; depth += 1) {
    if (!(each instanceof Error)) return [...lines, `caused by a thrown ${typeof each}`]
    lines.push(`${depth === 0 ? '' : 'caused by '}${each.stack ?? each.message}`)
    each = each.cause
  }
  return lines
}

/** What a log, a page and the API may say of an error: what its kind allows, and never a word of somebody's data. */
import { StokerError } from '../core/errors.ts'
import { foreseen } from '../core/system-error.ts'
import type { SourceError } from './control.ts'

type ShownError = Pick<SourceError, 'code' | 'message' | 'hint' | 'retryable'>

export function shownError(cause: unknown): ShownError {
  const error = foreseen(cause)
  if (error instanceof StokerError) {
    const { code, record, hint, retryable } = error
    return { code, message: record, hint, retryable }
  }
  const name = error instanceof Error ? error.name : typeof error
  const hint = 'the log has where it comes from; report it'
  return { code: 'INTERNAL', message: `an error of Stoker itself (${name})`, hint, retryable: false }
}

/** For a log line; of an error that nobody foresaw also the places of the program it came through, without its words. */
export function errorFacts(cause: unknown): Record<string, unknown> {
  const { code, message, hint, retryable } = shownError(cause)
  const facts = { code, error: message, hint, retryable }
  if (code !== 'INTERNAL' || !(cause instanceof Error)) return facts
  const places = cause.stack?.split('\n').filter((line) => /^\s+at /.test(line))
  return { ...facts, stack: places?.join('\n') }
}

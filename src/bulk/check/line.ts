/** One line of a check: what was looked at, how it is, and the way out. */
import type { StokerError } from '../../core/errors.ts'
import { causeHint } from '../http/cause-hint.ts'

export type CheckStep = 'key' | 'server' | 'discovery' | 'token' | 'clock' | 'access' | 'group' | 'kick-off' | 'export'
export type CheckVerdict = 'ok' | 'warning' | 'failed' | 'skipped'

export interface CheckLine {
  readonly step: CheckStep
  readonly verdict: CheckVerdict
  /** In lower case and without a full stop; no token, key or content in it. */
  readonly text: string
  /** What to do; of every failure. */
  readonly wayOut: string | undefined
  /** Of the error, where there was one. */
  readonly code: string | undefined
}

export function line(step: CheckStep, verdict: CheckVerdict, text: string, wayOut?: string): CheckLine {
  return { step, verdict, text, wayOut, code: undefined }
}

/** @param wayOut where the step knows better than the error */
export function failedLine(step: CheckStep, error: StokerError, wayOut = wayOutOf(error)): CheckLine {
  return { step, verdict: 'failed', text: error.message, wayOut, code: error.code }
}

/** What an error's cause asks for, where that is more than its hint. */
export function wayOutOf(error: StokerError): string {
  return causeHint(error.facts.cause) ?? error.hint ?? 'look at the server with its operator'
}

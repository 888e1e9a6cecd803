/** The one error type: what failed, whether trying again can help, and what the operator should do. */

/** Identifiers and counts that belong to an error. Never resource content, a token or a signed URL. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | undefined>>

export interface StokerErrorOptions {
  /** True when the same attempt, made later and unchanged, may succeed. */
  readonly retryable?: boolean
  /** What the operator should do: the way out, one sentence in the imperative. */
  readonly hint?: string
  readonly facts?: ErrorFacts
  /** The message as it may be stored and published, where the message itself quotes somebody else's words. */
  readonly record?: string
  readonly cause?: unknown
}

/**
 * An error that Stoker foresaw. `code` is stable and upper-case (`CONFIG_INVALID`), `message` says what failed in
 * plain words, `hint` the way out.
 */
export class StokerError extends Error {
  override readonly name = 'StokerError'
  readonly code: string
  readonly retryable: boolean
  readonly hint: string | undefined
  readonly facts: ErrorFacts
  /** What the ledger keeps of it, and every snapshot shows. */
  readonly record: string

  constructor(code: string, message: string, options: StokerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? false
    this.hint = options.hint
    this.facts = options.facts ?? {}
    this.record = options.record ?? message
  }
}

/** True for the error that an aborted `AbortSignal` raises, in whatever shape Node or undici gives it. */
export function isAbort(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'AbortError' || (error as { code?: unknown }).code === 'ABORT_ERR'
}

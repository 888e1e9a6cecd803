/** A time limit on one try: sockets go by the machine's time, whatever clock the steps go by. */

export interface TimeLimit {
  /** Aborts with the process's signal, or with an error of a code like undici's when the time is over. */
  readonly signal: AbortSignal
  /** To be called when the try is over. */
  end(): void
}

/** @param ms undefined: no limit */
export function timeLimit(ms: number | undefined, signal: AbortSignal): TimeLimit {
  if (ms === undefined) return { signal, end: () => undefined }
  const over = new AbortController()
  const error = Object.assign(new Error('no answer in time'), { code: 'UND_ERR_HEADERS_TIMEOUT' })
  const timer = setTimeout(() => over.abort(error), ms)
  return { signal: AbortSignal.any([signal, over.signal]), end: () => clearTimeout(timer) }
}

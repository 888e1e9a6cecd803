/** The process's life: the signals that ask it to stop, as one AbortSignal. */

export interface Lifecycle {
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal
  /** 128 + the number of the signal that came, as a shell would say; undefined when none did. */
  exitCode(): number | undefined
  dispose(): void
}

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const
type Stop = keyof typeof EXIT_CODES

/** The first signal asks for an orderly stop, within seconds; a second one ends the process at once, which is safe too. */
export function startLifecycle(onStop: (signal: Stop) => void): Lifecycle {
  const controller = new AbortController()
  let came: Stop | undefined
  const handle = (signal: Stop) => {
    if (came !== undefined) process.exit(EXIT_CODES[signal])
    came = signal
    onStop(signal)
    controller.abort()
  }
  process.on('SIGINT', handle)
  process.on('SIGTERM', handle)
  return {
    signal: controller.signal,
    exitCode: () => (came === undefined ? undefined : EXIT_CODES[came]),
    dispose() {
      process.off('SIGINT', handle)
      process.off('SIGTERM', handle)
    },
  }
}

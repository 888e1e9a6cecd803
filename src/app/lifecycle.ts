/** The process's life: the signals that ask it to stop, as one AbortSignal. */
import { isAbort } from '../core/errors.ts'

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

/**
 * A command under a lifecycle. Whatever it was doing when a signal came, be it opening the lake, it ends with the signal's
 * exit code; an error that is not of the stopping is told.
 * @param work gives the exit code where no signal came
 */
export async function underLifecycle(
  onStop: (signal: Stop) => void,
  work: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const lifecycle = startLifecycle(onStop)
  try {
    const code = await work(lifecycle.signal)
    return lifecycle.exitCode() ?? code
  } catch (error) {
    const code = isAbort(error) ? lifecycle.exitCode() : undefined
    if (code === undefined) throw error
    return code
  } finally {
    lifecycle.dispose()
  }
}

/**
 * SIGHUP, which asks a worker to read its configuration again, does not end the process from here on.
 * @returns `answer` says who is to be called, also for a signal that has come before; `dispose` ends it
 */
export function listenForReload(): { answer(reload: () => void): void; dispose(): void } {
  let reload: (() => void) | undefined
  let isWaiting = false
  const handle = () => {
    if (reload === undefined) isWaiting = true
    else reload()
  }
  process.on('SIGHUP', handle)
  return {
    answer(named) {
      reload = named
      if (isWaiting) named()
      isWaiting = false
    },
    dispose: () => void process.off('SIGHUP', handle),
  }
}

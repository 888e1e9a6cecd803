/** The end of a statement under way, by a signal. */
import type { DuckDBConnection } from '@duckdb/node-api'

/** DuckDB forgets an interrupt that comes between two steps of a statement: it is told again until it hears. */
const INTERRUPT_AGAIN_MS = 50

/** Interrupts whatever the connection does once the signal aborts. @returns ends that; to be called when the work is over */
export function interruptOn(signal: AbortSignal | undefined, connection: DuckDBConnection): () => void {
  let again: NodeJS.Timeout | undefined
  const interrupt = () => {
    connection.interrupt()
    again = setInterval(() => connection.interrupt(), INTERRUPT_AGAIN_MS)
  }
  if (signal?.aborted) interrupt()
  else signal?.addEventListener('abort', interrupt, { once: true })
  return () => {
    signal?.removeEventListener('abort', interrupt)
    clearInterval(again)
  }
}

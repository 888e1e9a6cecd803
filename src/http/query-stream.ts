/** An answer on its way: what was read of it first, what follows, and what becomes known when it ends. */
import type { ReadableStreamDefaultReader, ReadableStreamReadResult } from 'node:stream/web'

export interface Ending {
  /** To be aborted when nobody reads any more: it ends the query. */
  readonly left: AbortController
  readonly over: () => void
  readonly onError: (error: unknown) => void
}

/** What the reader gives, beginning with what was read of it. An error ends the stream; it is told beside it. */
export function onwards(
  first: ReadableStreamReadResult<Uint8Array>,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { left, over, onError }: Ending,
): ReadableStream<Uint8Array> {
  let next: ReadableStreamReadResult<Uint8Array> | undefined = first
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = next ?? (await reader.read())
          next = undefined
          if (!done) return controller.enqueue(value)
        } catch (error) {
          onError(error)
        }
        over()
        controller.close()
      },
      async cancel(reason) {
        over()
        left.abort()
        await reader.cancel(reason).catch(() => undefined)
      },
    },
    { highWaterMark: 0 },
  )
}

export function once(work: () => unknown): () => void {
  let done = false
  return () => {
    if (!done) work()
    done = true
  }
}

/** How bytes leave: at the speed the behaviour allows, and not always to the end. */
import type { ServerResponse } from 'node:http'
import type { FileBehaviour } from '../behaviour/file-behaviour.ts'
import type { JobFile } from '../job/export-job.ts'
import type { Clock } from '../../core/clock.ts'

/** A slowed download sends this many pieces a second. */
const PIECES_PER_SECOND = 20

export async function* slowed(
  chunks: AsyncIterable<Buffer>,
  bytesPerSecond: number,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const pieceBytes = Math.max(1, Math.floor(bytesPerSecond / PIECES_PER_SECOND))
  for await (const chunk of chunks) {
    if (bytesPerSecond === 0) {
      yield chunk
      continue
    }
    for (let from = 0; from < chunk.length; from += pieceBytes) {
      const piece = chunk.subarray(from, from + pieceBytes)
      yield piece
      await clock.sleep((piece.length * 1000) / bytesPerSecond, signal)
    }
  }
}

/** Whether this answer is one of those that break off; counts it. */
export function takesCut({ troubles }: JobFile, { cutAfterBytes, cuts }: FileBehaviour): boolean {
  if (cutAfterBytes === 0 || troubles.cuts >= cuts) return false
  troubles.cuts += 1
  return true
}

/** The first `bytes` of the chunks; once the client has been sent them, the connection breaks. */
export async function* cutOff(
  chunks: AsyncIterable<Buffer>,
  bytes: number,
  response: ServerResponse,
): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const chunk of chunks) {
    if (chunk.length < left) {
      yield chunk
      left -= chunk.length
      continue
    }
    yield chunk.subarray(0, left)
    await new Promise((resolve) => response.write('', resolve))
    response.destroy()
    return
  }
}

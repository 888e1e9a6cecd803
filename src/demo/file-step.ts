/** The download of one file of an export: streamed from memory or disk, compressed and slowed on demand. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Clock } from '../core/clock.ts'
import { isAbort } from '../core/errors.ts'
import { fileChunks } from './file-chunks.ts'
import { Refusal } from './refusal.ts'
import type { Step } from './steps.ts'

/** A slowed download sends this many pieces a second. */
const PIECES_PER_SECOND = 20

export const fileStep: Step = async (state, exchange, { job: id = '', name = '' }) => {
  const { behaviour, clock, files } = state
  state.requests.downloads += 1
  state.tokens?.require(exchange)
  const file = state.jobs.get(id).files.find((each) => each.name === name)
  if (file === undefined) throw new Refusal(404, 'not-found', 'The export has no such file.')

  const { response } = exchange
  const compressed = behaviour.gzip && acceptsGzip(exchange.header('accept-encoding'))
  response.writeHead(200, {
    'Content-Type': 'application/fhir+ndjson',
    Vary: 'Accept-Encoding',
    ...(compressed && { 'Content-Encoding': 'gzip' }),
  })
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const slow = (chunks: AsyncIterable<Buffer>) => slowed(chunks, behaviour.downloadBytesPerSecond, clock, gone.signal)
  const chunks = Readable.from(fileChunks(file.lines, files), { objectMode: false })
  try {
    if (compressed) await pipeline(chunks, createGzip(), slow, response)
    else await pipeline(chunks, slow, response)
  } catch (error) {
    // The client went away, or the server is stopping: nobody is left to be told.
    if (!gone.signal.aborted && !isAbort(error)) throw error
  }
}

function acceptsGzip(header: string): boolean {
  return header.split(',').some((coding) => /^\s*(?:gzip|x-gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(coding))
}

async function* slowed(
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

/** The answer with a file in it: streamed from memory or disk, in the form and with the troubles the behaviour wants. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isAbort } from '../../core/errors.ts'
import type { DemoBehaviour } from '../behaviour.ts'
import { PLAIN_STATUS } from '../behaviour/status-behaviour.ts'
import type { Exchange } from '../exchange.ts'
import type { JobFile } from '../job/export-job.ts'
import { Refusal } from '../refusal.ts'
import { retryAfterHeaders } from '../retry-after.ts'
import type { DemoState } from '../steps.ts'
import { chosenEncoding } from './encodings.ts'
import { fileBody } from './file-body.ts'
import { askedPart, type Part } from './ranges.ts'
import { cutOff, slowed, takesCut } from './transfer.ts'

/** @param owner id of what the file belongs to. @throws Refusal for a file that is not there, or not just now. */
export async function sendFile(state: DemoState, exchange: Exchange, owner: string, file: JobFile): Promise<void> {
  const { behaviour, clock, files } = state
  const { response } = exchange
  failOnPurpose(state, file)
  const body = fileBody(linesOf(file), exchange.header('accept'), behaviour, files)
  const encoding = behaviour.ranges ? undefined : chosenEncoding(exchange.header('accept-encoding'), behaviour)
  const { status, headers, chunks } = behaviour.ranges
    ? await askedPart(exchange, file, owner, body)
    : wholePart(() => body.chunks(), encoding?.name)
  const isOdd = file.kind === 'error' && behaviour.outcomeType !== PLAIN_STATUS.outcomeType
  response.writeHead(status, { 'Content-Type': isOdd ? behaviour.outcomeType : body.contentType, ...headers })

  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const slow = (bytes: AsyncIterable<Buffer>) => slowed(bytes, behaviour.downloadBytesPerSecond, clock, gone.signal)
  const cut = breaking(file, exchange, behaviour)
  const bytes = Readable.from(chunks(), { objectMode: false })
  try {
    if (encoding) await pipeline(bytes, encoding.compressor(), slow, cut, response)
    else await pipeline(bytes, slow, cut, response)
  } catch (error) {
    // The client went away, the answer broke on purpose or the server is stopping: nobody is left to be told.
    if (!gone.signal.aborted && !response.destroyed && !isAbort(error)) throw error
  }
}

function linesOf({ lines, alter }: JobFile) {
  if (lines === undefined) throw new Refusal(404, 'not-found', 'The file is listed, and is not there.')
  return { lines, alter }
}

function wholePart(chunks: Part['chunks'], encoding: string | undefined): Part {
  const headers = { Vary: 'Accept-Encoding', ...(encoding !== undefined && { 'Content-Encoding': encoding }) }
  return { status: 200, headers, chunks }
}

function failOnPurpose({ behaviour, clock }: DemoState, { troubles, type }: JobFile): void {
  const { fileFailures } = behaviour
  if (fileFailures === null || troubles.failures >= fileFailures.times) return
  if (fileFailures.type !== undefined && fileFailures.type !== type) return
  troubles.failures += 1
  const { status } = fileFailures
  const headers = status === 429 || status === 503 ? retryAfterHeaders(behaviour, clock) : {}
  const isGone = status === 404 || status === 410
  throw new Refusal(status, isGone ? 'not-found' : 'transient', 'The file is not to be had just now.', headers)
}

function breaking(file: JobFile, { response }: Exchange, behaviour: DemoBehaviour) {
  const isCut = takesCut(file, behaviour)
  return (bytes: AsyncIterable<Buffer>) => (isCut ? cutOff(bytes, behaviour.cutAfterBytes, response) : bytes)
}

/** A Bundle too long for one line → the same deletions in many short ones, without ever holding the whole. */
import { createReadStream } from 'node:fs'
import { Transform } from 'node:stream'
import pick from 'stream-json/filters/pick.js'
import streamValues from 'stream-json/streamers/stream-values.js'
import { StokerError } from '../core/errors.ts'
import { LineFile } from './line-file.ts'
import { BLANK_LINE_BYTE, type LineFacts } from './line-meter.ts'

/** DuckDB holds several buffers of the longest line; a `deleted` file of one Bundle may be one line of gigabytes. */
export const BUNDLE_LINE_BYTES_MAX = 16 << 20

const ENTRIES_PER_LINE = 1000

/** The meter put a byte into each blank line that is no JSON. In a JSON text it stands nowhere else. */
function withoutBlankMarks(): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(
        null,
        chunk.includes(BLANK_LINE_BYTE) ? Buffer.from(chunk.filter((byte) => byte !== BLANK_LINE_BYTE)) : chunk,
      )
    },
  })
}

/**
 * Puts in place of the staged file at `path` one with the same deletions (`entry[].request`), a thousand to a line,
 * whatever the white space between them. Done twice it changes nothing more, so an interruption does no harm.
 * @returns the facts of the file with the lines of the new one; bytes and sha256 stay those of what was received.
 * @throws StokerError LANDING_BUNDLE_UNREADABLE when it is no JSON: which deletions are lost can't be known.
 */
export async function splitBundles(path: string, facts: LineFacts): Promise<LineFacts> {
  const out = new LineFile(path)
  let lines = 0
  let longestLineBytes = 0
  let entries: { request: unknown }[] = []
  const writeLine = async () => {
    if (entries.length === 0) return
    const line = JSON.stringify({ resourceType: 'Bundle', entry: entries })
    entries = []
    lines += 1
    longestLineBytes = Math.max(longestLineBytes, Buffer.byteLength(line))
    await out.add(line)
  }
  const source = createReadStream(path, { highWaterMark: 1 << 20 }).pipe(withoutBlankMarks())
  const parsed = pick.withParserAsStream({
    filter: /^entry\.\d+\.request$/,
    jsonStreaming: true,
    packValues: true,
    streamValues: false,
  })
  const requests = source.pipe(parsed).pipe(streamValues.asStream())
  // pipe() does not carry an error on.
  source.on('error', (error) => requests.destroy(error))
  parsed.on('error', (error) => requests.destroy(error))
  try {
    for await (const { value } of requests as AsyncIterable<{ value: unknown }>) {
      entries.push({ request: value })
      if (entries.length === ENTRIES_PER_LINE) await writeLine()
    }
    await writeLine()
    await out.settle()
  } catch (cause) {
    await out.discard()
    // An error of our own disk says nothing of the file, which is taken when there is room.
    if ((cause as NodeJS.ErrnoException).syscall !== undefined) throw cause
    throw new StokerError('LANDING_BUNDLE_UNREADABLE', 'a deleted file is not valid JSON from beginning to end', {
      hint: 'report it to the server; its deletions are caught up when it is whole, or by stoker sync --full',
      cause,
    })
  }
  return { ...facts, lines, blanks: 0, bom: false, longestLineBytes }
}

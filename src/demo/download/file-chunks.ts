/** The bytes of an export's file, in chunks of moderate size whatever the size of the file. */
import type { DataFiles, FileSpan } from '../data-files.ts'
import type { Content } from '../version.ts'

const CHUNK_BYTES = 256 << 10
const NEWLINE = Buffer.from('\n')

/**
 * Every line followed by a newline. Lines that lie next to each other in a data file are read together, newlines and
 * all: one read of up to 256 KiB (or one longer line) instead of hundreds.
 */
export async function* fileChunks(lines: readonly Content[], files: DataFiles): AsyncGenerator<Buffer> {
  let text = ''
  let span: FileSpan | undefined
  for (const line of lines) {
    if (typeof line === 'string') {
      if (span) yield* spanChunks(span, files)
      span = undefined
      text += `${line}\n`
      if (text.length < CHUNK_BYTES) continue
    }
    if (text !== '') yield Buffer.from(text)
    text = ''
    if (typeof line === 'string') continue
    const joined = span && join(span, line)
    if (span && !joined) yield* spanChunks(span, files)
    span = joined ?? line
  }
  if (span) yield* spanChunks(span, files)
  if (text !== '') yield Buffer.from(text)
}

async function* spanChunks(span: FileSpan, files: DataFiles): AsyncGenerator<Buffer> {
  yield await files.read(span)
  yield NEWLINE
}

/** Both as one span, if only a newline lies between them and the sum is not too long. */
function join(span: FileSpan, next: FileSpan): FileSpan | undefined {
  const length = next.offset + next.length - span.offset
  const adjacent = next.file === span.file && next.offset === span.offset + span.length + 1
  return adjacent && length <= CHUNK_BYTES ? { file: span.file, offset: span.offset, length } : undefined
}

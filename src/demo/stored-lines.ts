/** Stored bodies as texts, one after another: of those that lie close together in a data file, many with one read. */
import type { DataFiles, FileSpan } from './data-files.ts'
import type { Content } from './version.ts'

const READ_BYTES = 256 << 10

/** In the order of `contents`. */
export async function* storedLines(contents: Iterable<Content>, files: DataFiles): AsyncGenerator<string> {
  let waiting: FileSpan[] = []
  for (const content of contents) {
    const [first] = waiting
    if (first && (typeof content === 'string' || !isNear(first, waiting.at(-1)!, content))) {
      yield* readTogether(waiting, files)
      waiting = []
    }
    if (typeof content === 'string') yield content
    else waiting.push(content)
  }
  yield* readTogether(waiting, files)
}

/** Behind the last in the same file, and not too far from the first. */
function isNear(first: FileSpan, last: FileSpan, next: FileSpan): boolean {
  const isBehind = next.file === first.file && next.offset >= last.offset + last.length
  return isBehind && next.offset + next.length - first.offset <= READ_BYTES
}

async function* readTogether(spans: readonly FileSpan[], files: DataFiles): AsyncGenerator<string> {
  const [first, last] = [spans[0], spans.at(-1)]
  if (first === undefined || last === undefined) return
  const { file, offset: start } = first
  const bytes = await files.read({ file, offset: start, length: last.offset + last.length - start })
  for (const { offset, length } of spans) yield bytes.toString('utf8', offset - start, offset - start + length)
}

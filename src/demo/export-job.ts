/** One accepted export: its files are fixed at kick-off as lists of bodies, and no later change reaches them. */
import type { DemoBehaviour } from './behaviour.ts'
import type { Cut } from './store.ts'
import type { Content } from './version.ts'

export interface JobFile {
  /** Last segment of the file's URL. */
  readonly name: string
  readonly kind: 'output' | 'deleted'
  readonly type: string
  /** Resources in the file; blank and malformed lines are not counted. */
  readonly count: number
  readonly lines: readonly Content[]
}

export interface ExportJob {
  readonly id: string
  /** The kick-off's URL, as the manifest repeats it. */
  readonly request: string
  readonly transactionTime: string
  readonly expiresAt: Date
  readonly files: readonly JobFile[]
  /** Polls answered 202 so far. */
  pollsAnswered: number
}

/** Deletions per transaction Bundle, which is one line of a `deleted` file. */
const DELETIONS_PER_BUNDLE = 100

/** The files of an export: a cut of the store, divided and adulterated as the behaviour says. */
export function planFiles(cut: Cut, types: ReadonlySet<string> | undefined, behaviour: DemoBehaviour): JobFile[] {
  const files: JobFile[] = []
  const malformedTypes = Object.keys(behaviour.malformedLines).filter((type) => types?.has(type) ?? true)
  for (const type of new Set([...cut.contents.keys(), ...malformedTypes])) {
    for (const [place, part] of divided(cut.contents.get(type) ?? [], behaviour).entries()) {
      const malformed = place === 0 ? (behaviour.malformedLines[type] ?? []) : []
      const blank = Array<string>(behaviour.blankLines).fill('')
      files.push({
        name: `${type}.${String(place + 1).padStart(3, '0')}.ndjson`,
        kind: 'output',
        type,
        count: part.length,
        lines: spread(spread(part, malformed, 1), blank, 0),
      })
    }
  }
  if (cut.deleted.length > 0 && behaviour.deletes === 'reported') {
    const lines = deletionBundles(cut.deleted)
    files.push({ name: 'deleted.001.ndjson', kind: 'deleted', type: 'Bundle', count: lines.length, lines })
  }
  return files
}

function divided(lines: readonly Content[], { filesPerType, maxLinesPerFile }: DemoBehaviour): (readonly Content[])[] {
  const most = maxLinesPerFile === 0 ? lines.length : maxLinesPerFile
  const size = Math.max(1, Math.min(most, Math.ceil(lines.length / filesPerType)))
  const parts = [lines.slice(0, size)]
  for (let from = size; from < lines.length; from += size) parts.push(lines.slice(from, from + size))
  return parts
}

/** `extra` put among `lines` at even distances, the first of them at index `first`. */
function spread(lines: readonly Content[], extra: readonly Content[], first: number): readonly Content[] {
  if (extra.length === 0) return lines
  const distance = Math.max(1, Math.floor(lines.length / extra.length))
  const mixed: Content[] = []
  let used = 0
  for (const [index, line] of lines.entries()) {
    if (index >= first && (index - first) % distance === 0 && used < extra.length) mixed.push(extra[used++]!)
    mixed.push(line)
  }
  return [...mixed, ...extra.slice(used)]
}

function deletionBundles(deleted: readonly string[]): string[] {
  const bundles: string[] = []
  for (let from = 0; from < deleted.length; from += DELETIONS_PER_BUNDLE) {
    const entry = deleted
      .slice(from, from + DELETIONS_PER_BUNDLE)
      .map((url) => ({ request: { method: 'DELETE', url } }))
    bundles.push(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }))
  }
  return bundles
}

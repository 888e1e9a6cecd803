/** How resources are divided among files, and what is put between them. */
import type { ContentBehaviour } from '../behaviour/content-behaviour.ts'

/** Resources a file may hold, of `total` altogether; 1 at least. */
export function fileSize(total: number, { filesPerType, maxLinesPerFile }: ContentBehaviour): number {
  const most = maxLinesPerFile === 0 ? total : maxLinesPerFile
  return Math.max(1, Math.min(most, Math.ceil(total / filesPerType)))
}

/** One part at least, if only an empty one. */
export function divided<Item>(items: readonly Item[], size: number): (readonly Item[])[] {
  const parts = [items.slice(0, size)]
  for (let from = size; from < items.length; from += size) parts.push(items.slice(from, from + size))
  return parts
}

/** The parts with each one's last item again: at the head of the next one, and of the last at its end. */
export function withRepetitions<Item>(parts: readonly (readonly Item[])[]): (readonly Item[])[] {
  return parts.map((part, place) => {
    const before = parts[place - 1]?.slice(-1) ?? []
    const after = place === parts.length - 1 ? part.slice(-1) : []
    return [...before, ...part, ...after]
  })
}

/** `extra` put among `lines` at even distances, the first of them at index `first`. */
export function spread<Line>(lines: readonly Line[], extra: readonly Line[], first: number): readonly Line[] {
  if (extra.length === 0) return lines
  const distance = Math.max(1, Math.floor(lines.length / extra.length))
  const mixed: Line[] = []
  let used = 0
  for (const [index, line] of lines.entries()) {
    if (index >= first && (index - first) % distance === 0 && used < extra.length) mixed.push(extra[used++]!)
    mixed.push(line)
  }
  return [...mixed, ...extra.slice(used)]
}

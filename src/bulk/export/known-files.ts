/** Which entries of a manifest are files that are known: a URL is no identity, for a server may sign it anew. */
import { shown } from '../http/url.ts'

/** What a file is known again by. */
export interface KnownFile {
  /** Where it is not known, an entry of any type may be the file. */
  readonly type?: string | null | undefined
  /** Absolute. */
  readonly url: string
}

/**
 * For each entry the file it is, undefined where it is a new one; no file is found twice. It is the one of the same type
 * and URL, or of the same type, origin and path, and so was signed anew; where several have that path, what lasts of the
 * query counts too. Of several that look the same the n-th is the n-th, unless there are more of them than before: then
 * nobody can tell which came. What is in doubt is new: to load a file twice changes nothing, to pass one over loses it.
 */
export function recognised<T extends KnownFile>(entries: readonly KnownFile[], known: readonly T[]): (T | undefined)[] {
  const found: (T | undefined)[] = entries.map(() => undefined)
  const left = new Set(known)
  const pair = (addressOf: (url: string) => string, mayGrow: boolean, isTyped: boolean): void => {
    const keyOf = (file: KnownFile) => `${isTyped ? typeOf(file) : ''} ${addressOf(file.url)}`
    const files = grouped(
      [...left].filter((file) => (typeOf(file) !== '') === isTyped),
      keyOf,
    )
    const places = grouped(
      [...entries.keys()].filter((place) => found[place] === undefined),
      (place) => keyOf(entries[place]!),
    )
    for (const [key, alike] of files) {
      const asked = places.get(key) ?? []
      if (asked.length > alike.length && !mayGrow) continue
      asked.slice(0, alike.length).forEach((place, index) => {
        found[place] = alike[index]!
        left.delete(alike[index]!)
      })
    }
  }
  for (const isTyped of [true, false]) pair((url) => url, true, isTyped)
  if (left.size === 0) return found
  const unsigned = unsignedBy(entries, known)
  for (const isTyped of [true, false]) pair(unsigned, false, isTyped)
  return found
}

/**
 * A URL without what a look at it adds. The path is enough where no other file of either list has it; else a parameter
 * that has some value in both lists (`id=7`) belongs to the file, and one that has none (`sig=…`, a date) to the look.
 */
function unsignedBy(now: readonly KnownFile[], before: readonly KnownFile[]): (url: string) => string {
  const crowded = new Set(
    [now, before].flatMap((files) =>
      [...grouped(files, pathOf)].flatMap(([path, { length }]) => (length > 1 ? path : [])),
    ),
  )
  const pairsOf = (files: readonly KnownFile[]) =>
    files.filter((file) => crowded.has(pathOf(file))).flatMap(({ url }) => [...new URL(url).searchParams])
  const earlier = new Set(pairsOf(before).map((pair) => pair.join('=')))
  const lasting = new Set(pairsOf(now).flatMap(([name, value]) => (earlier.has(`${name}=${value}`) ? [name] : [])))
  return (url) => {
    const path = pathOf({ url })
    if (!crowded.has(path)) return path
    const query = [...new URL(url).searchParams].filter(([name]) => lasting.has(name))
    return [path, ...query.map((pair) => pair.join('='))].join(' ')
  }
}

function pathOf({ url }: KnownFile): string {
  return shown(new URL(url))
}

/** Types as servers and configurations write them; one that is not known may be any. */
export function sameType(one: KnownFile['type'], other: KnownFile['type']): boolean {
  return !one || !other || one.toLowerCase() === other.toLowerCase()
}

function typeOf({ type }: KnownFile): string {
  return type?.toLowerCase() ?? ''
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

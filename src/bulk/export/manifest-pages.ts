/** The pages of one manifest, put together: each file is told once, in a place of its own. */
import { recognised, typeOf, type KnownFile } from './known-files.ts'
import type { Manifest, ManifestFile } from './manifest.ts'

/** A file that an earlier reading of the same manifest listed, and the place it has since. */
export interface ListedBefore extends KnownFile {
  readonly kind: ManifestFile['kind']
  readonly ordinal: number
}

interface Held extends ListedBefore {
  /** As at the last look. */
  url: string
  told: boolean
}

type ByKind<T> = Record<ManifestFile['kind'], T>

export class PageGatherer {
  private readonly held: ByKind<Held[]>
  private readonly nextPlace: ByKind<number>
  /** What each page has shown: it may be looked at again. */
  private readonly seen = new Map<string, ByKind<Set<Held>>>()
  /** The earliest so far: of pages that do not agree, the watermark must not believe the later. */
  private earliest: Pick<Manifest, 'transactionTime' | 'transactionInstant'> | undefined

  /** @param before they keep their places, and are told once more, under the URLs of now */
  constructor(before: readonly ListedBefore[] = []) {
    this.held = mapKinds((kind) =>
      before.filter((file) => file.kind === kind).map((file) => ({ ...file, told: false })),
    )
    this.nextPlace = mapKinds((kind) => this.held[kind].reduce((next, { ordinal }) => Math.max(next, ordinal + 1), 0))
  }

  /** What was not told yet of the page at `url`, which may have changed in any way since the last look at it. */
  add(url: string, page: Manifest): Manifest {
    const { transactionTime, transactionInstant } = page
    if (this.earliest === undefined || transactionInstant < this.earliest.transactionInstant) {
      this.earliest = { transactionTime, transactionInstant }
    }
    const here = this.seen.get(url) ?? mapKinds(() => new Set<Held>())
    this.seen.set(url, here)
    const fresh = mapKinds((kind) => this.tell(kind, page[kind], here[kind]))
    return { ...page, ...this.earliest, ...fresh }
  }

  private tell(kind: ManifestFile['kind'], entries: readonly ManifestFile[], here: Set<Held>): ManifestFile[] {
    const found = recognised(
      entries,
      this.held[kind].filter((file) => !file.told || here.has(file)),
    )
    return entries.flatMap((entry, place) => {
      const file = found[place] ?? this.hold(entry)
      const isNews = !file.told
      Object.assign(file, { url: entry.url, told: true })
      here.add(file)
      return isNews ? [{ ...entry, ordinal: file.ordinal }] : []
    })
  }

  private hold({ kind, type, url }: ManifestFile): Held {
    const file = { kind, ordinal: this.nextPlace[kind]++, type, url, told: false }
    this.held[kind].push(file)
    return file
  }
}

/**
 * The whole manifest, read again after `before`: the only file of its type, then and now, is the same one, whatever its
 * URL. Only of a manifest that is done: one that still grows may show another first.
 */
export function inPlaces(whole: Manifest, before: readonly ListedBefore[]): Manifest {
  const placed = mapKinds((kind) => {
    const known = before.filter((file) => file.kind === kind)
    const places = new Set(known.map(({ ordinal }) => ordinal))
    const [then, now] = [onlyOnes(known), onlyOnes(whole[kind])]
    return whole[kind].map((file) => {
      const only = now.get(typeOf(file)) && then.get(typeOf(file))
      return only === undefined || places.has(file.ordinal) ? file : { ...file, ordinal: only.ordinal }
    })
  })
  return { ...whole, ...placed }
}

/** By type; undefined where there are more of it. */
function onlyOnes<T extends KnownFile>(files: readonly T[]): ReadonlyMap<string, T | undefined> {
  const ones = new Map<string, T | undefined>()
  for (const file of files) ones.set(typeOf(file), ones.has(typeOf(file)) ? undefined : file)
  return ones
}

const KINDS = ['output', 'deleted', 'error'] as const

function mapKinds<T>(make: (kind: ManifestFile['kind']) => T): ByKind<T> {
  return { output: make('output'), deleted: make('deleted'), error: make('error') }
}

export function isEmpty(page: Manifest): boolean {
  return KINDS.every((kind) => page[kind].length === 0)
}

/** All pages as one, as good as the last of them says; undefined of none. Its files expire with the first. */
export function wholeOf(pages: readonly Manifest[]): Manifest | undefined {
  const last = pages.at(-1)
  if (last === undefined) return undefined
  const expiries = pages.flatMap(({ expires }) => (expires === undefined ? [] : [expires.getTime()]))
  return {
    ...last,
    output: pages.flatMap(({ output }) => output),
    deleted: pages.flatMap(({ deleted }) => deleted),
    error: pages.flatMap(({ error }) => error),
    requiresAccessToken: pages.some(({ requiresAccessToken }) => requiresAccessToken),
    expires: expiries.length === 0 ? undefined : new Date(Math.min(...expiries)),
    next: undefined,
  }
}

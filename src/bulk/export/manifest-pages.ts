/** The pages of one manifest, put together: places run on, and what came before does not come again. */
import { placed } from './manifest-file.ts'
import type { Manifest, ManifestFile } from './manifest.ts'

const KINDS = ['output', 'deleted', 'error'] as const

export class PageGatherer {
  private readonly files = mapKinds((): ManifestFile[] => [])
  private readonly firstPlaces = mapKinds(() => new Map<string, number>())
  /** Of each page, how many of its entries are here: a page that is looked at again may have grown at its end. */
  private readonly taken = new Map<string, ByKind<number>>()
  /** The earliest so far: of pages that do not agree, the watermark must not believe the later. */
  private earliest: Pick<Manifest, 'transactionTime' | 'transactionInstant'> | undefined

  /**
   * What is new on the page at `url`. A page may repeat all that came before it, entry by entry, and go on from there.
   */
  add(url: string, page: Manifest): Manifest {
    const { transactionTime, transactionInstant } = page
    if (this.earliest === undefined || transactionInstant < this.earliest.transactionInstant) {
      this.earliest = { transactionTime, transactionInstant }
    }
    const before = this.taken.get(url)
    const fresh = mapKinds((kind) => {
      const held = this.files[kind]
      const known = before?.[kind] ?? (repeats(page[kind], held) ? held.length : 0)
      const added = placed(page[kind].slice(known), held.length, this.firstPlaces[kind])
      held.push(...added)
      return added
    })
    this.taken.set(
      url,
      mapKinds((kind) => Math.max(before?.[kind] ?? 0, page[kind].length)),
    )
    return { ...page, ...this.earliest, ...fresh }
  }
}

type ByKind<T> = Record<ManifestFile['kind'], T>

function mapKinds<T>(make: (kind: ManifestFile['kind']) => T): ByKind<T> {
  return { output: make('output'), deleted: make('deleted'), error: make('error') }
}

function repeats(entries: readonly ManifestFile[], held: readonly ManifestFile[]): boolean {
  return held.length > 0 && held.every(({ url, type }, place) => isSame(entries[place], url, type))
}

function isSame(entry: ManifestFile | undefined, url: string, type: string | undefined): boolean {
  return entry !== undefined && entry.url === url && entry.type === type
}

export function isEmpty(page: Manifest): boolean {
  return KINDS.every((kind) => page[kind].length === 0)
}

/** All pages as one manifest, as good as the last of them says; undefined of none. Its files expire with the first. */
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

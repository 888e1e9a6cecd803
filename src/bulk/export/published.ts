/** A published manifest: one that stands there for everybody, and changes now and then (`$bulk-publish`). */
import { createHash } from 'node:crypto'
import { StokerError } from '../../core/errors.ts'
import { bodyJson, orOdd } from '../http/body.ts'
import type { Connection } from '../server/connection.ts'
import { expiryOf } from '../http/header-date.ts'
import { headerOf } from '../http/http.ts'
import { invalid, parseManifest, type Manifest, type ManifestFile } from './manifest.ts'

export interface PublishedOptions {
  /** What the last reading gave; undefined: read it in any case. */
  readonly etag: string | undefined
  readonly signal: AbortSignal
}

export type PublishedAnswer =
  | { readonly state: 'unchanged' }
  | {
      readonly state: 'published'
      /**
       * Each with its own `transactionTime`; to be taken in this order, and of each first `output`, then `deleted`. Places
       * of files run on over the pages.
       */
      readonly pages: readonly Manifest[]
      /** For the next reading, and for nothing else: it covers all pages, with ETags or without. */
      readonly etag: string
    }

const PAGES_MAX = 100_000

/**
 * Bulk Data Access 4, "Bulk Publish". Only what has changed is told; a chain of pages that the server has closed is read
 * once more from its beginning.
 * @throws StokerError BULK_MANIFEST_INVALID, BULK_REFUSED, BULK_BUSY, BULK_UNREACHABLE
 */
export async function readPublished(
  connection: Connection,
  url: string,
  { etag, signal }: PublishedOptions,
): Promise<PublishedAnswer> {
  const known = readMark(etag)
  const root = await readPage(connection, url, known?.root, signal)
  if (root === undefined && !(await hasGrown(connection, known?.pending, signal))) return { state: 'unchanged' }
  let chain = await readChain(connection, url, root, signal)
  // Its end has come, and a new beginning may be there already.
  if (chain.end === 'closed') chain = await readChain(connection, url, undefined, signal)
  const { pages, pending } = chain
  // A static file's Expires is another one at each reading.
  const lasting = pages.map((page) => ({ ...page, expires: undefined }))
  const digest = createHash('sha256').update(JSON.stringify(lasting)).digest('hex')
  if (known?.digest === digest) return { state: 'unchanged' }
  return { state: 'published', pages, etag: JSON.stringify({ root: chain.etag, digest, pending } satisfies Mark) }
}

interface Chain {
  readonly pages: readonly Manifest[]
  /** Of the first page. */
  readonly etag: string | undefined
  readonly end: 'last' | 'pending' | 'closed'
  readonly pending: Mark['pending']
}

async function readChain(
  connection: Connection,
  url: string,
  root: Page | undefined,
  signal: AbortSignal,
): Promise<Chain> {
  const pages: Manifest[] = []
  const passed = new Set<string>()
  let page = root ?? (await readWhole(connection, url, signal))
  const { etag } = page
  for (let at = url; ;) {
    const { next } = page.manifest
    pages.push({ ...after(pages, page.manifest), next: undefined })
    if (next === undefined) return { pages, etag, end: 'last', pending: undefined }
    if (next.kind === 'closed') return { pages, etag, end: 'closed', pending: undefined }
    if (next.kind === 'pending') return { pages, etag, end: 'pending', pending: { url: at, etag: page.etag } }
    passed.add(at)
    if (passed.has(next.url) || passed.size >= PAGES_MAX) throw invalid('its pages lead back to themselves')
    at = next.url
    page = await readWhole(connection, at, signal)
  }
}

/** A page with its files' places running on after those of the pages before it. */
function after(pages: readonly Manifest[], page: Manifest): Manifest {
  const placed = (kind: ManifestFile['kind']) => {
    const from = pages.reduce((sum, each) => sum + each[kind].length, 0)
    return page[kind].map((file) => ({ ...file, ordinal: from + file.ordinal }))
  }
  return { ...page, output: placed('output'), deleted: placed('deleted'), error: placed('error') }
}

/** Whether the page that announced another one has it now, or is no longer there. */
async function hasGrown(connection: Connection, pending: Mark['pending'], signal: AbortSignal): Promise<boolean> {
  if (pending === undefined) return false
  try {
    const page = await readPage(connection, pending.url, pending.etag, signal)
    return page !== undefined && page.manifest.next?.kind !== 'pending'
  } catch (error) {
    if (error instanceof StokerError && !error.retryable) return true
    throw error
  }
}

interface Page {
  readonly manifest: Manifest
  readonly etag: string | undefined
}

async function readWhole(connection: Connection, url: string, signal: AbortSignal): Promise<Page> {
  const page = await readPage(connection, url, undefined, signal)
  if (page === undefined) throw invalid('it is said to be unchanged to one who never had it')
  return page
}

/** Undefined where it is the one of the ETag. */
async function readPage(
  connection: Connection,
  address: string,
  etag: string | undefined,
  signal: AbortSignal,
): Promise<Page | undefined> {
  const headers = { accept: 'application/json', ...(etag === undefined ? {} : { 'if-none-match': etag }) }
  return connection.send(
    { step: 'published', method: 'GET', url: new URL(address), headers },
    async (answer) => {
      if (answer.status === 304) return undefined
      const expires = expiryOf(headerOf(answer, 'expires'), connection.clock.now())
      const value = await bodyJson(answer)
      const manifest = orOdd(() => parseManifest(value, answer.url, expires))
      return { manifest, etag: headerOf(answer, 'etag') }
    },
    signal,
  )
}

/** What is kept from one reading to the next. A server need not send ETags, and the root's says nothing of its chain. */
interface Mark {
  readonly root: string | undefined
  readonly digest: string
  readonly pending: { readonly url: string; readonly etag: string | undefined } | undefined
}

function readMark(text: string | undefined): Mark | undefined {
  if (text === undefined) return undefined
  try {
    const mark = JSON.parse(text) as Mark | null
    return typeof mark?.digest === 'string' ? mark : undefined
  } catch {
    return undefined
  }
}

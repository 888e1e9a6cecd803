/** A published manifest in place of an export of one's own: read again only when it has changed. */
import type { Manifest } from '../bulk/export/manifest.ts'
import { lastEtag, recordEtag, recordUnchanged, type ExportRecord } from '../ledger/exports.ts'
import { unlistFiles } from '../ledger/files.ts'
import { watermarksOf } from '../ledger/watermarks.ts'
import type { RunContext } from './context.ts'

/**
 * Its pages, each a later state than the one before; none where they are the ones whose rows are committed already (Bulk
 * Data Access 4, "Bulk Publish"): then the run changes nothing.
 */
export async function* readPublished(
  context: RunContext,
  record: ExportRecord,
  signal: AbortSignal,
): AsyncGenerator<Manifest> {
  const { client, ledger, source } = context
  const watermarks = await watermarksOf(ledger, source.name)
  const last = await lastEtag(ledger, source.name)
  // A type that was held back then is not in yet: the manifest is read again, changed or not.
  const isIn = record.types.every((type) =>
    watermarks.some((mark) => mark.type === type && mark.filter === record.filters[type] && mark.run === last?.run),
  )
  const etag = isIn ? last?.etag : undefined
  const read = await client.readPublished(record.request_url!, { etag, signal })
  if (read.state === 'unchanged') {
    const since = new Date(Math.min(...watermarks.map((mark) => mark.transaction_time.getTime())))
    await recordUnchanged(ledger, record.export, since, etag)
    return
  }
  // What an earlier process listed, and had no time to fetch, may be no more.
  await unlistFiles(ledger, record.export)
  let time = -Infinity
  for (const page of read.pages) {
    time = Math.max(page.transactionInstant.getTime(), time + 1)
    yield { ...page, transactionInstant: new Date(time) }
  }
  await recordEtag(ledger, record.export, read.etag)
}

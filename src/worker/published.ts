/** A published manifest in place of an export of one's own: read again only when it has changed. */
import type { Manifest } from '../bulk/export/manifest.ts'
import { lastEtag, recordEtag, recordUnchanged, type ExportRecord } from '../ledger/exports.ts'
import { watermarksOf } from '../ledger/watermarks.ts'
import type { RunContext } from './context.ts'

/**
 * Its one page, all of the server's pages together; none where it is the one whose rows are committed already (Bulk Data
 * Access 4, "Bulk Publish"): then the run changes nothing.
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
  const read = await client.readPublished(record.status_url!, { etag, signal })
  if (read.state === 'unchanged') {
    const since = new Date(Math.min(...watermarks.map((mark) => mark.transaction_time.getTime())))
    await recordUnchanged(ledger, record.export, since, etag)
    return
  }
  yield read.manifest
  await recordEtag(ledger, record.export, read.etag)
}

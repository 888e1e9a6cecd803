/** Where the files of an export are to be had now: some servers sign their URLs anew at each look at the manifest. */
import type { ManifestFile } from '../bulk/export/manifest.ts'
import { StokerError } from '../core/errors.ts'
import type { ExportRecord } from '../ledger/exports.ts'
import { filesOfExport, type FileRecord } from '../ledger/files.ts'
import type { RunContext } from './context.ts'

/** A manifest read again is good for the files that were waiting meanwhile, and a little longer. */
const FRESH_MS = 5_000

interface Reading {
  readonly at: number
  readonly files: Promise<readonly ManifestFile[]>
}

export class Addresses {
  private readonly context: RunContext
  private readonly readings = new Map<number, Reading>()

  constructor(context: RunContext) {
    this.context = context
  }

  /**
   * Another URL of the file; undefined when the server has none, or no longer knows the export. Many files may ask; the
   * manifest is read once.
   */
  async renew(
    record: ExportRecord,
    file: Pick<FileRecord, 'kind' | 'ordinal'>,
    url: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const now = this.context.clock.now().getTime()
    let reading = this.readings.get(record.export)
    if (reading === undefined || now - reading.at > FRESH_MS) {
      reading = { at: now, files: this.read(record, signal) }
      this.readings.set(record.export, reading)
    }
    const found = (await reading.files).find((each) => each.kind === file.kind && each.ordinal === file.ordinal)
    return found === undefined || found.url === url ? undefined : found.url
  }

  private async read(record: ExportRecord, signal: AbortSignal): Promise<readonly ManifestFile[]> {
    try {
      const { client, ledger } = this.context
      const listed = await filesOfExport(ledger, record.export)
      const manifest = await client.readManifest(record.status_url!, signal, listed)
      return [...manifest.output, ...manifest.deleted, ...manifest.error]
    } catch (error) {
      // The server that no longer knows the export has no other URL either.
      if (error instanceof StokerError && !error.retryable) return []
      if (error instanceof StokerError && error.code === 'BULK_EXPORT_GONE') return []
      throw error
    }
  }
}

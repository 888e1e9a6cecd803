/** One file of an export, from the server to the staging folder. */
import { StokerError } from '../core/errors.ts'
import { withIds } from '../core/log.ts'
import { stage } from '../landing/stage.ts'
import type { ExportRecord } from '../ledger/exports.ts'
import { recordStaged, type FileRecord, type StagedFacts } from '../ledger/files.ts'
import type { Addresses } from './addresses.ts'
import type { RunContext } from './context.ts'
import type { FileFacts } from './events.ts'
import { report } from './findings.ts'
import { withPace } from './slow-download.ts'

/** URLs that were good when the manifest came and no longer are: asked for anew this often. */
const RENEWALS_MAX = 3

/** @throws StokerError BULK_FILE_LOST, BULK_FILE_EXPIRED when the file is not to be had under any URL. */
export async function fetchFile(
  context: RunContext,
  addresses: Addresses,
  record: ExportRecord,
  file: FileRecord,
  signal: AbortSignal,
): Promise<StagedFacts> {
  context.tell({ kind: 'downloading', file: file.file, export: file.export, of: factsOf(file) })
  for (let renewals = 0, { url } = file; ; renewals += 1) {
    try {
      const facts = await download(context, record, { ...file, url }, signal)
      context.tell({ kind: 'downloaded', file: file.file, bytes: facts.bytes, lines: facts.lines })
      await recordStaged(context.ledger, file.file, facts)
      return facts
    } catch (error) {
      if (!(error instanceof StokerError) || error.code !== 'BULK_FILE_EXPIRED' || renewals >= RENEWALS_MAX) throw error
      const renewed = await addresses.renew(record, file, url, signal)
      if (renewed === undefined) throw error
      url = renewed
    }
  }
}

async function download(
  context: RunContext,
  record: ExportRecord,
  file: FileRecord,
  signal: AbortSignal,
): Promise<StagedFacts> {
  const { client, lake, run } = context
  const type = nameOf(file)
  const onWriting = (bytes: number) => context.disk.writing(`the download of ${type}`, bytes)
  let form: string | undefined
  const facts = await withPace(context.place, context.clock, signal, (pace) => {
    const onProgress = (bytes: number, lines: number) => {
      pace.arrived(bytes)
      context.tell({ kind: 'fetching', file: file.file, type, bytes, lines, claimed: file.claimed ?? undefined })
    }
    return client.fetchFile(
      { kind: file.kind, type: file.type ?? undefined, url: file.url },
      { requiresAccessToken: record.requires_token ?? false },
      (body) => stage(body, lake.staged(run, file.file), { onProgress, signal, onWriting }),
      signal,
      {
        onForm: (found) => (form = found),
        log: withIds(context.log, () => ({ file: file.file })),
        onWait: (wait) => context.tell({ kind: 'delayed', ...wait, file: file.file, type }),
        aside: (wait) => pace.aside(wait),
      },
    )
  })
  if (form !== undefined) {
    await report(context, file, { code: 'FORM', count: 1, type: file.type ?? undefined })
  }
  return facts
}

/** Of a file what may be told to anybody. */
export function factsOf({ kind, type, url }: Pick<FileRecord, 'kind' | 'type' | 'url'>): FileFacts {
  return { kind, type: type ?? undefined, url: url.replace(/[?#].*$/, '') }
}

/** What a file is called where people read of it. */
export function nameOf(file: Pick<FileRecord, 'kind' | 'type'>): string {
  return file.kind === 'output' ? (file.type ?? 'mixed') : file.kind
}

/** Of a file that an earlier process staged. */
export function stagedFacts(file: FileRecord): StagedFacts {
  return {
    bytes: file.bytes ?? 0,
    lines: file.lines ?? 0,
    blanks: file.blanks ?? 0,
    longestLineBytes: file.longest_line_bytes ?? 0,
    bom: file.bom ?? false,
    sha256: file.sha256 ?? '',
  }
}

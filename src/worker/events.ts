/** What a run tells while it goes: shapes and counts, for progress on a terminal, log lines, reports and a status page. */
import type { Step } from '../bulk/http/retry-policy.ts'
import type { ExportPurpose } from '../ledger/exports.ts'
import type { FileRecord } from '../ledger/files.ts'
import type { RunMode } from '../ledger/runs.ts'
import type { FindingCode } from './findings.ts'

export type RunEvent = { readonly source: string; readonly run: number } & (
  | { readonly kind: 'started'; readonly mode: RunMode; readonly resumed: boolean }
  | {
      readonly kind: 'requested'
      readonly purpose: ExportPurpose
      readonly types: readonly string[]
      readonly since: string | undefined
      /** Its number in the ledger, as in the events below. */
      readonly export: number
      /** As sent; of a published manifest, which may be signed, without its query. */
      readonly url: string
      /** What was asked, as one text a parameter; never the patients. */
      readonly parameters: Readonly<Record<string, string>>
    }
  | {
      readonly kind: 'waiting'
      /** As the server says, where it says it, from 0 to 100. */
      readonly percentDone: number | undefined
      readonly waitedMs: number
      readonly export: number
      /** When the server wants to be asked again. */
      readonly retryAfterMs: number | undefined
    }
  | {
      readonly kind: 'delayed'
      readonly step: string
      readonly code: string
      /** Of the answer, where there was one. */
      readonly status: number | undefined
      readonly ms: number
      /** Of a download: its number, and what it is called. */
      readonly file?: number | undefined
      readonly type?: string | undefined
    }
  /** A page of a manifest; `files`: those of it that are fetched. */
  | {
      readonly kind: 'listed'
      readonly files: number
      readonly lines: number | undefined
      readonly export: number
      readonly transactionTime: Date
      readonly entries: ManifestEntries
    }
  /** Its last page came. */
  | {
      readonly kind: 'complete'
      readonly export: number
      readonly transactionTime: Date | undefined
      readonly entries: ManifestEntries
      readonly pages: number
    }
  /** The server did not make it, or it could not be asked; without an error of the server's, no status. */
  | {
      readonly kind: 'refused'
      readonly export: number
      readonly step: Step
      readonly code: string
      readonly status: number | undefined
      /** Nothing of the server's words. */
      readonly text: string
      /** As in `requested`, where it was not even taken. */
      readonly asked: { readonly url: string; readonly parameters: Readonly<Record<string, string>> } | undefined
    }
  /** There is work for it again, and as many other runs work as may: it waits for its place. */
  | { readonly kind: 'queued' }
  /** Files are on their way to the raw log; `before`: so many more had landed, or were lost, before this process began. */
  | { readonly kind: 'gathering'; readonly files: number; readonly before: number }
  | {
      readonly kind: 'fetching'
      readonly file: number
      readonly type: string
      readonly bytes: number
      readonly lines: number
      readonly claimed: number | undefined
    }
  /** The download of a file begins. */
  | { readonly kind: 'downloading'; readonly file: number; readonly export: number; readonly of: FileFacts }
  /** All its bytes are on our disk; `bytes` are those after decompression. */
  | { readonly kind: 'downloaded'; readonly file: number; readonly bytes: number; readonly lines: number }
  /** Its download, or its landing, came to nothing: it is lost, or tried again by the next run. */
  | {
      readonly kind: 'interrupted'
      readonly file: number
      readonly export: number
      readonly of: FileFacts
      readonly code: string
      readonly status: number | undefined
      /** Nothing of the server's words. */
      readonly text: string
    }
  | {
      readonly kind: 'landed'
      readonly export: number
      readonly of: FileFacts
      readonly file: number
      readonly type: string
      readonly bytes: number
      readonly resources: number
      readonly rejects: number
    }
  /** A file that is not to be had; nothing of the server's words. */
  | { readonly kind: 'lost'; readonly file: number; readonly type: string; readonly text: string }
  /** All files of an export are in the raw log, or lost. Counts are of the whole of it, whatever process did it. */
  | {
      readonly kind: 'gathered'
      readonly export: number
      readonly files: number
      readonly resources: number
      readonly bytes: number
      /** Since it was asked for. */
      readonly ms: number
    }
  /** Without a table: the resource index, before the first of them. */
  | { readonly kind: 'merging'; readonly table: string | undefined; readonly done: number; readonly of: number }
  | { readonly kind: 'committed'; readonly inserted: number; readonly updated: number; readonly deleted: number }
  | { readonly kind: 'publishing' }
  | { readonly kind: 'published'; readonly snapshot: number; readonly tables: number; readonly carriedOver: number }
  | { readonly kind: 'finding'; readonly code: FindingCode; readonly count: number; readonly type: string | undefined }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** An operator ended it. */
  | { readonly kind: 'cancelled' }
  /** Nothing is left to do. */
  | { readonly kind: 'done'; readonly snapshot: number }
)

/** Entries of a manifest, those that are not fetched too. */
export interface ManifestEntries {
  readonly output: number
  readonly deleted: number
  readonly error: number
}

export interface FileFacts {
  readonly kind: FileRecord['kind']
  /** As the manifest has it. */
  readonly type: string | undefined
  /** Without its query. */
  readonly url: string
}

type WithoutRun<E> = E extends unknown ? Omit<E, 'source' | 'run'> : never

/** An event less the two fields that every event of a run has. */
export type RunEventBody = WithoutRun<RunEvent>

export type RunObserver = (event: RunEvent) => void

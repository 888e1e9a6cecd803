/** What a run tells while it goes: shapes and counts, for progress on a terminal, log lines and, later, a status page. */
import type { ExportPurpose } from '../ledger/exports.ts'
import type { RunMode } from '../ledger/runs.ts'
import type { FindingCode } from './findings.ts'

export type RunEvent = { readonly source: string; readonly run: number } & (
  | { readonly kind: 'started'; readonly mode: RunMode; readonly resumed: boolean }
  | {
      readonly kind: 'requested'
      readonly purpose: ExportPurpose
      readonly types: readonly string[]
      readonly since: string | undefined
    }
  | { readonly kind: 'waiting'; readonly progress: string | undefined; readonly waitedMs: number }
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
  | { readonly kind: 'listed'; readonly files: number; readonly lines: number | undefined }
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
  | {
      readonly kind: 'landed'
      readonly file: number
      readonly type: string
      readonly bytes: number
      readonly resources: number
      readonly rejects: number
    }
  /** A file that is not to be had. */
  | { readonly kind: 'lost'; readonly file: number; readonly type: string; readonly text: string }
  /** Without a table: the resource index, before the first of them. */
  | { readonly kind: 'merging'; readonly table: string | undefined; readonly done: number; readonly of: number }
  | { readonly kind: 'committed'; readonly inserted: number; readonly updated: number; readonly deleted: number }
  | { readonly kind: 'publishing' }
  | { readonly kind: 'published'; readonly snapshot: number; readonly tables: number; readonly carriedOver: number }
  | { readonly kind: 'finding'; readonly code: FindingCode; readonly count: number; readonly type: string | undefined }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
)

type WithoutRun<E> = E extends unknown ? Omit<E, 'source' | 'run'> : never

/** An event less the two fields that every event of a run has. */
export type RunEventBody = WithoutRun<RunEvent>

export type RunObserver = (event: RunEvent) => void

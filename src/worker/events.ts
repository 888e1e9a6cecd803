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
  | { readonly kind: 'delayed'; readonly step: string; readonly code: string; readonly ms: number }
  | { readonly kind: 'listed'; readonly files: number; readonly lines: number | undefined }
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
  | { readonly kind: 'merging'; readonly table: string; readonly done: number; readonly of: number }
  | { readonly kind: 'committed'; readonly inserted: number; readonly updated: number; readonly deleted: number }
  | { readonly kind: 'published'; readonly snapshot: number; readonly tables: number; readonly carriedOver: number }
  | { readonly kind: 'finding'; readonly code: FindingCode; readonly count: number; readonly type: string | undefined }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
)

type WithoutRun<E> = E extends unknown ? Omit<E, 'source' | 'run'> : never

/** An event less the two fields that every event of a run has. */
export type RunEventBody = WithoutRun<RunEvent>

export type RunObserver = (event: RunEvent) => void

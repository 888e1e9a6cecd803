/** A source as the worker sees it: what to ask for, and a client that knows how. */
import type { BulkClient } from '../bulk/client.ts'
import type { ExportLevel } from '../bulk/kick-off.ts'

export interface Source {
  /** Stands in folder names and in `_source`. */
  readonly name: string
  readonly level: ExportLevel
  readonly types: readonly string[]
  readonly since: {
    readonly mode: 'incremental' | 'full'
    readonly firstLoad: string | undefined
    readonly overlapSeconds: number
  }
  readonly deadlineHours: number
  /** The export is deleted on the server once its rows are published. */
  readonly release: boolean
  /** Where its tables come from, for messages: origin and path, nothing secret. */
  readonly baseUrl: string
  connect(): BulkClient
}

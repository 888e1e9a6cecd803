/** A source as the worker sees it: what to ask for, and a client that knows how. */
import type { BulkClient } from '../bulk/client.ts'
import type { ServerWait } from '../bulk/http/http.ts'
import type { ExportLevel } from '../bulk/server/level.ts'
import type { Log } from '../core/log.ts'
import type { ServerProfile } from '../bulk/server/profile.ts'
import type { RequestDetails } from '../ledger/exports.ts'

export interface Source {
  /** Stands in folder names and in `_source`. */
  readonly name: string
  readonly level: ExportLevel
  /** A published manifest to read, instead of asking for exports. */
  readonly manifestUrl: string | undefined
  readonly types: readonly string[]
  /** What every export of it asks for beside types and `_since`. */
  readonly request: RequestDetails
  readonly profile: Pick<ServerProfile, 'counts' | 'exportsAtOnce'>
  readonly since: {
    readonly mode: 'incremental' | 'full'
    readonly firstLoad: string | undefined
    readonly overlapSeconds: number
  }
  /** What happens when the members of an exported Group change. */
  readonly groupChanges: { readonly newcomers: ServerProfile['newcomers']; readonly leavers: 'keep' | 'remove' }
  readonly deadlineHours: number
  /** The export is deleted on the server once its rows are published. */
  readonly release: boolean
  /** Where its tables come from, for messages: origin and path, nothing secret. */
  readonly baseUrl: string
  /**
   * @param onWait told of waits that an operator would wonder at
   * @param log knows what the calls are for
   */
  connect(onWait: (wait: ServerWait) => void, log: Log): BulkClient
}

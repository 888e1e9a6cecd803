/** What a lake keeps, for how long, and for whom. */

export interface Keeping {
  /** Whether rows of deleted resources go, or stay with the time of their deletion. */
  readonly deletions: 'remove' | 'keep'
  /** Versions that the raw log keeps; of days, those that were in force within them. */
  readonly rawLog: 'all' | 'latest' | { readonly days: number }
  /** A snapshot goes when it is neither among the newest `keep`, nor was the newest within `days`, nor is being read. */
  readonly snapshots: { readonly keep: number; readonly days: number }
  /** Who may read the snapshots and the catalog, by the permissions of their files. */
  readonly readers: 'owner' | 'group' | 'everyone'
  /** A run stops before less than this is free on the lake's disk. */
  readonly minimumFreeDiskBytes: number
}

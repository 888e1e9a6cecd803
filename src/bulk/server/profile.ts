/** What one kind of server needs that others do not. Data: `config/profiles/*.yaml` holds one for each known server. */
import type { Step } from '../http/retry-policy.ts'

/** Every parameter of `$export` in STU2, STU3 and STU4. */
export const EXPORT_PARAMETERS = [
  '_type',
  '_since',
  '_until',
  '_elements',
  '_typeFilter',
  '_outputFormat',
  'patient',
  'includeAssociatedData',
  'organizeOutputBy',
  'allowPartialManifests',
] as const
export type ExportParameter = (typeof EXPORT_PARAMETERS)[number]

export interface ServerProfile {
  /** As in `profile:` of the configuration. */
  readonly name: string
  readonly kickOff: {
    /** POST sends a `Parameters` resource. `patient` goes only by POST. */
    readonly method: 'GET' | 'POST'
    /** How a GET writes several values of one parameter; `_typeFilter` apart. */
    readonly lists: 'comma' | 'repeated'
    /** How a GET writes several `_typeFilter`s. Where they are joined, their own commas are escaped. */
    readonly typeFilters: 'comma' | 'repeated'
    /** How many `_typeFilter`s one type may have; undefined: no limit. */
    readonly filtersPerType: number | undefined
    /** What a POST sends `includeAssociatedData` as: STU2 and STU3 say code, STU4 Coding. */
    readonly associatedData: 'code' | 'coding'
    /** `organizeOutputBy` of every Group export that does not ask for another; undefined: none is sent. */
    readonly organizeGroupsBy: string | undefined
    /** What the server reads; anything else is refused by the configuration, or left out where only Stoker wants it. */
    readonly reads: readonly ExportParameter[]
    readonly levels: readonly ('system' | 'patient' | 'group')[]
    /** Preferences beside `respond-async`. */
    readonly prefer: readonly string[]
  }
  /** Headers of each step, over those every server gets. */
  readonly headers: Readonly<Partial<Record<Step, Readonly<Record<string, string>>>>>
  /** Scope asked for where the source names none; undefined: none is asked for. */
  readonly scope: string | undefined
  /** `_since` of a first load; undefined: none is sent. */
  readonly firstLoad: string | undefined
  /** How far `_since` reaches back behind the watermark. */
  readonly overlapSeconds: number
  /**
   * Whether a manifest's `count` can be relied on: then a file with fewer lines holds its type back, else it is only
   * reported.
   */
  readonly counts: 'right' | 'unreliable'
  /** Whether exports with `_since` tell what was deleted. */
  readonly deletions: 'reported' | 'never'
  /**
   * How the history of patients who join a Group is had: the server sends it unasked (`included`), on being asked for
   * these patients (`patient`), or by a whole export of the Group (`group`).
   */
  readonly newcomers: 'included' | 'patient' | 'group'
  /** Whether a Group export with `_since` holds all that changed; where it does not, it is asked for as a whole. */
  readonly groupSince: 'complete' | 'incomplete'
  /** Whether an export is deleted on the server once it is loaded. */
  readonly release: boolean
  /** Calls a minute to one host, all jobs together; undefined: no limit. */
  readonly callsPerMinute: number | undefined
  /** Exports a client may have at one time. */
  readonly exportsAtOnce: number
}

/** For a server nobody described: what most of them understand. */
export const STANDARD_PROFILE: ServerProfile = {
  name: 'standard',
  kickOff: {
    method: 'GET',
    // Comma-joined, which every server reads; some (Oracle, HAPI) read a repeated _type not at all.
    lists: 'comma',
    // STU1 joined filters by commas; since STU2 the parameter is repeated.
    typeFilters: 'repeated',
    filtersPerType: undefined,
    associatedData: 'code',
    organizeGroupsBy: undefined,
    reads: EXPORT_PARAMETERS,
    levels: ['system', 'patient', 'group'],
    prefer: [],
  },
  // HAPI hands out an old job of the same query without it.
  headers: { 'kick-off': { 'cache-control': 'no-cache' } },
  scope: 'system/*.read',
  firstLoad: undefined,
  overlapSeconds: 300,
  counts: 'right',
  deletions: 'reported',
  newcomers: 'group',
  groupSince: 'complete',
  release: true,
  callsPerMinute: undefined,
  exportsAtOnce: 1,
}

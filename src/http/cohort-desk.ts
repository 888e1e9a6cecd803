/** What the page and the API ask of cohorts; rows have the names of the database's columns. */
import type { CohortMember } from '../analysis/cohort/records.ts'

export interface CohortDesk {
  /** By name. */
  list(): Promise<readonly CohortLine[]>
  /** Undefined where there is no such cohort. */
  show(name: string): Promise<CohortShown | undefined>
  /** Content. Who is in it as of a snapshot, the newest by default, by key; `after`: only keys behind this one. */
  members(name: string, asked: MembersAsked): Promise<readonly CohortMember[]>
  /** Content. Who entered and who left after one snapshot up to another; by default with the newest run. */
  diff(name: string, asked: DiffAsked): Promise<CohortDiff>
  /** Runs it over the newest snapshot now. @throws StokerError of its SQL */
  run(name: string): Promise<CohortLine>
}

export interface CohortLine {
  readonly cohort: string
  readonly description: string | null
  /** Of its newest run; null before the first. */
  readonly snapshot: number | null
  readonly ran_at: Date | null
  readonly members: number | null
  readonly entered: number | null
  readonly left: number | null
  /** Of a run that failed; the members are those of the last one that did not. */
  readonly error_code: string | null
  readonly error_message: string | null
}

/** The clinical definition, in words and codes. */
export interface CohortMeaning {
  readonly description: string
  /** Where it is less than what is published under that name, or another thing. */
  readonly simplified: string | null
  /** A code with a `*` at its end: all that begin so. */
  readonly codes: readonly { readonly system: string; readonly code: string; readonly display: string }[]
}

export interface CohortShown extends CohortLine {
  /** Undefined of one whose file can not be read, or is there no more. */
  readonly meaning?: CohortMeaning | undefined
  /** What to do about a file that can not be read. */
  readonly error_hint?: string | undefined
  readonly sql: string
  readonly parameters: Readonly<Record<string, unknown>>
  /** Newest first. */
  readonly runs: readonly CohortRunLine[]
}

export interface CohortRunLine {
  readonly snapshot: number
  readonly ran_at: Date
  readonly members: number | null
  readonly entered: number | null
  readonly left: number | null
  readonly error_code: string | null
  readonly error_message: string | null
}

export interface MembersAsked {
  readonly limit: number
  readonly snapshot?: number | undefined
  readonly after?: string | undefined
}

export interface DiffAsked {
  readonly limit: number
  /** Snapshots. */
  readonly from?: number | undefined
  readonly to?: number | undefined
}

export interface CohortDiff {
  readonly from: number | null
  readonly to: number | null
  readonly entered: readonly string[]
  readonly left: readonly string[]
}

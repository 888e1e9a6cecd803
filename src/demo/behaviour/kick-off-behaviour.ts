/** Oddities of the kick-off: what the server insists on, which parameters it reads and how, whom it turns away. */
import { count, flag, listOf, oneOf, text, type Checks } from './checks.ts'

export interface KickOffBehaviour {
  /** 400 unless `Accept` is exactly `application/fhir+json` (reference server); else it must only be among others. */
  exactAccept: boolean
  /** 400 without `Prefer: respond-async`. */
  requirePrefer: boolean
  /** Where parameters are read; what stands in the other place is ignored silently (Medplum: the query). */
  parametersFrom: 'both' | 'query' | 'body'
  /** False: POST on a Group's `$export` is 404 (Medplum). */
  groupPost: boolean
  /**
   * `comma`: of a repeated `_type` only the first is read (Oracle, HAPI). `repeated`: a comma does not divide, so a list
   * in one `_type` is one unknown type (STU4).
   */
  lists: 'both' | 'comma' | 'repeated'
  /** Parameters without effect, of which nothing is said (OpenEMR: `_since`). */
  ignoredParameters: readonly string[]
  /** 400 for these; with `handling=lenient` they are ignored, and a warning in an error file says so. */
  refusedParameters: readonly string[]
  /** Export at any other level is 404. */
  levels: readonly ('system' | 'patient' | 'group')[]
  /** An export without `_since` has only what changed in the 24 hours before (a vendor's Group-only API). */
  pastDayOnly: boolean
  /** A Group export without `organizeOutputBy=Patient` is 400 (Google). */
  requireOrganized: boolean
  /** The same request gets the job of the one before, unless it has `Cache-Control: no-cache` (HAPI). */
  reuseJobs: boolean
  /** Kick-offs beyond so many jobs are 429 until one is deleted (Epic: 1); 0 for no limit. */
  jobsAtOnce: number
  /** `empty`: an export of a Group that is not there is taken, and has nothing in it (reference server). */
  unknownGroup: 'refused' | 'empty'
  /** How the answer names the status URL; `relative` has path and query only, `absent` no Content-Location at all. */
  statusUrl: 'absolute' | 'relative' | 'absent'
  /**
   * What a Group export with `_since` has. `changed`: resources changed since then, so not the older ones of patients
   * who joined. `newcomers-whole`: those too. `changed-patients`: resources changed since then of those patients only
   * whose own Patient resource changed (HAPI).
   */
  groupSince: 'changed' | 'newcomers-whole' | 'changed-patients'
  /** With `allowPartialManifests=true`: files a page, given out while the job works; 0 for one page at the end. */
  partialPageFiles: number
  /** Whether `Prefer: separate-export-status` is honoured. */
  separateExportStatus: boolean
}

export const PLAIN_KICK_OFF: Readonly<KickOffBehaviour> = {
  exactAccept: false,
  requirePrefer: true,
  parametersFrom: 'both',
  groupPost: true,
  lists: 'both',
  ignoredParameters: [],
  refusedParameters: [],
  levels: ['system', 'patient', 'group'],
  pastDayOnly: false,
  requireOrganized: false,
  reuseJobs: false,
  jobsAtOnce: 0,
  unknownGroup: 'refused',
  statusUrl: 'absolute',
  groupSince: 'changed',
  partialPageFiles: 0,
  separateExportStatus: true,
}

export const KICK_OFF_CHECKS: Checks<KickOffBehaviour> = {
  exactAccept: flag,
  requirePrefer: flag,
  parametersFrom: oneOf('both', 'query', 'body'),
  groupPost: flag,
  lists: oneOf('both', 'comma', 'repeated'),
  ignoredParameters: listOf(text),
  refusedParameters: listOf(text),
  levels: listOf(oneOf('system', 'patient', 'group')),
  pastDayOnly: flag,
  requireOrganized: flag,
  reuseJobs: flag,
  jobsAtOnce: count,
  unknownGroup: oneOf('refused', 'empty'),
  statusUrl: oneOf('absolute', 'relative', 'absent'),
  groupSince: oneOf('changed', 'newcomers-whole', 'changed-patients'),
  partialPageFiles: count,
  separateExportStatus: flag,
}

/** Oddities of the manifest: what it leaves out, names otherwise, counts wrongly or lists in error. */
import { count, flag, listOf, oneOf, type Checks } from './checks.ts'

export type OmittedKey =
  'error' | 'output' | 'deleted' | 'count' | 'request' | 'requiresAccessToken' | 'transactionTime'

export interface ManifestBehaviour {
  /** Keys left out; `output` only when it is empty, `count` of every entry, `error` under any name (HAPI, torch). */
  manifestOmits: readonly OmittedKey[]
  /** `requiresAccessToken` as it stands there, a text for some (Oracle: `"true"`); null for what is right. */
  tokenFlag: boolean | 'true' | 'false' | null
  /** File URLs without their origin, if it is the server's own (LinuxForHealth, torch). */
  relativeUrls: boolean
  /** `outcome` is STU4's name for `error`, with `countSeverity` and no `type`. */
  outcomeName: 'error' | 'outcome'
  /** Entries of `deleted` without `type` (STU4). */
  typelessDeleted: boolean
  /** An `extension` that a client does not know. */
  manifestExtension: boolean
  /** `wrong`: the last entry of `output` counts one resource more than its file has. */
  counts: 'right' | 'wrong'
  /**
   * `missing`: an entry whose file is 404. `twice`: the first entry listed again. `empty`: an entry of an empty file.
   * `continues-nowhere`: the last entry of `output` says that it goes on in a file that is not there.
   */
  oddEntries: readonly ('missing' | 'twice' | 'empty' | 'continues-nowhere')[]
  /** `request` is no URL (Medplum). */
  malformedRequest: boolean
  /** Files a page of `$bulk-publish`; 0 for one page. */
  publishPageFiles: number
}

export const PLAIN_MANIFEST: Readonly<ManifestBehaviour> = {
  manifestOmits: [],
  tokenFlag: null,
  relativeUrls: false,
  outcomeName: 'error',
  typelessDeleted: false,
  manifestExtension: false,
  counts: 'right',
  oddEntries: [],
  malformedRequest: false,
  publishPageFiles: 0,
}

export const MANIFEST_CHECKS: Checks<ManifestBehaviour> = {
  manifestOmits: listOf(
    oneOf('error', 'output', 'deleted', 'count', 'request', 'requiresAccessToken', 'transactionTime'),
  ),
  tokenFlag: oneOf(true, false, 'true', 'false', null),
  relativeUrls: flag,
  outcomeName: oneOf('error', 'outcome'),
  typelessDeleted: flag,
  manifestExtension: flag,
  counts: oneOf('right', 'wrong'),
  oddEntries: listOf(oneOf('missing', 'twice', 'empty', 'continues-nowhere')),
  malformedRequest: flag,
  publishPageFiles: count,
}

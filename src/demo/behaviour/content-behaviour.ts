/** Oddities of what an export holds: how it is divided, and what stands in it that should not. */
import { count, flag, listOf, mapOf, oneOf, positive, shape, text, type Checks } from './checks.ts'

/** One OperationOutcome of an error file. */
export interface ExportMessage {
  readonly severity: string
  readonly code: string
  /** Resources lost, which the entry's `count` tells; 1 by default, though the file has one line. */
  readonly count?: number
}

export interface ContentBehaviour {
  /** A type's resources are divided among this many files, fewer if there are fewer resources. */
  filesPerType: number
  /** No file holds more resources than this; 0 for no limit. */
  maxLinesPerFile: number
  /**
   * Per type, lines put as they are into the first file of that type, the first of them as its second line; into every
   * export, even if nothing else is in the file. Not counted.
   */
  malformedLines: Readonly<Record<string, readonly string[]>>
  /** Empty lines put into every file, the first of them before its first line. */
  blankLines: number
  /** Whether an export with `_since` tells what was deleted. */
  deletes: 'reported' | 'never'
  /** The last resource of each file stands again in the next file of its type, or twice in the last (Oracle). */
  duplicateIds: boolean
  /** A system export has a file of type ClientApplication with a secret in clear, whatever `_type` says (Medplum). */
  ownTypes: boolean
  /** Deletions stand twice, in two files that bear the type of the first of them (reference server). */
  muddledDeletions: boolean
  /** Whether resources have `meta.versionId` and `meta.lastUpdated` (Epic: neither). */
  versionMeta: boolean
  /** Lines of an error file. */
  messages: readonly ExportMessage[]
}

export const PLAIN_CONTENT: Readonly<ContentBehaviour> = {
  filesPerType: 1,
  maxLinesPerFile: 0,
  malformedLines: {},
  blankLines: 0,
  deletes: 'reported',
  duplicateIds: false,
  muddledDeletions: false,
  ownTypes: false,
  versionMeta: true,
  messages: [],
}

export const CONTENT_CHECKS: Checks<ContentBehaviour> = {
  filesPerType: positive,
  maxLinesPerFile: count,
  malformedLines: mapOf(listOf(text)),
  blankLines: count,
  deletes: oneOf('reported', 'never'),
  duplicateIds: flag,
  muddledDeletions: flag,
  ownTypes: flag,
  versionMeta: flag,
  messages: listOf(shape({ severity: text, code: text }, { count })),
}

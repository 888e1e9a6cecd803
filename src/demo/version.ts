/** One version of one resource: what is known of it without its body, and where the body lies. */
import type { DataFiles, FileSpan } from './data-files.ts'
import type { FhirResource } from './resource.ts'

/** A line of NDJSON without its newline: in memory, or a stretch of a data file. */
export type Content = string | FileSpan

export interface Version {
  readonly type: string
  readonly id: string
  readonly versionNumber: number
  readonly lastUpdatedMs: number
  /** Ids of the patients in whose compartment the resource lies; of a Group, its members. */
  readonly patients: readonly string[]
  readonly content: Content
}

/** What stays of a deleted resource. */
export interface Tombstone {
  readonly type: string
  readonly id: string
  readonly versionNumber: number
  readonly deletedMs: number
  readonly patients: readonly string[]
}

export function isTombstone(entry: Version | Tombstone): entry is Tombstone {
  return 'deletedMs' in entry
}

export async function readResource(content: Content, files: DataFiles): Promise<FhirResource> {
  const line = typeof content === 'string' ? content : (await files.read(content)).toString('utf8')
  return JSON.parse(line) as FhirResource
}

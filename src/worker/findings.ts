/** Findings: where what came is not what was asked or announced. */
import { recordFinding } from '../ledger/findings.ts'
import type { FileRecord } from '../ledger/files.ts'
import type { RunContext } from './context.ts'

export type FindingCode =
  /** Fewer resources in a file than the manifest says: some may be missing. */
  | 'COUNT_SHORT'
  /** More of them. */
  | 'COUNT_OVER'
  /** The same file is listed twice. */
  | 'FILE_TWICE'
  /** A file of a type that nobody asked for. */
  | 'TYPE_UNASKED'
  /** Resources that were not changed since `_since`. */
  | 'OLDER_THAN_SINCE'
  /** Resources that do not match the `_typeFilter` of their type. */
  | 'OUTSIDE_FILTER'
  /** Resources of which only some elements came. */
  | 'SUBSETTED'
  /** Not NDJSON, though readable all the same. */
  | 'FORM'
  /** Patients who joined, or left, the exported Group. */
  | 'JOINED'
  | 'LEFT'

export interface Found {
  readonly code: FindingCode
  readonly count: number
  readonly type?: string | undefined
}

/** Into the ledger, and told. */
export async function report(
  context: RunContext,
  place: { readonly export: number; readonly file?: number },
  found: Found,
): Promise<void> {
  const { code, count, type } = found
  await recordFinding(context.ledger, context.run, {
    export: place.export,
    file: place.file ?? null,
    type: type ?? null,
    code,
    count,
  })
  context.tell({ kind: 'finding', code, count, type })
}

/** What the manifest announced against what came; header lines of an organized export are in neither. */
export function countFinding(file: Pick<FileRecord, 'kind' | 'claimed' | 'type'>, lines: number): Found | undefined {
  if (file.kind !== 'output' || file.claimed === null || file.claimed === lines) return undefined
  return {
    code: lines < file.claimed ? 'COUNT_SHORT' : 'COUNT_OVER',
    count: Math.abs(file.claimed - lines),
    type: file.type ?? undefined,
  }
}

/** Which watermarks stay where they are, and why; and how far the others move. Pure. */
import type { ExportRecord } from '../ledger/exports.ts'
import type { FileRecord } from '../ledger/files.ts'
import type { Merged } from '../warehouse/merge/merge.ts'

/**
 * Types whose watermark is held, with the reason. A lost file holds its own type, or, where its type is not known, all
 * types of its export; so does a server's message of an error, which names no type.
 * @param counts whether this server's counts can be relied on
 */
export function holdings(
  exports: readonly ExportRecord[],
  files: readonly FileRecord[],
  severities: ReadonlyMap<number, ReadonlySet<string>>,
  counts: 'right' | 'unreliable',
): Map<string, string> {
  const held = new Map(overtaken(exports).map((type) => [type, CLOCK_WENT_BACK]))
  for (const record of exports) {
    for (const file of files.filter((each) => each.export === record.export)) {
      const why = reason(file, severities.get(file.file), counts)
      if (why === undefined) continue
      const concerned = file.kind === 'output' && file.type !== null ? [file.type] : record.types
      for (const type of concerned) if (!held.has(type)) held.set(type, why)
    }
  }
  return held
}

const CLOCK_WENT_BACK = "the server's clock is behind what it was at the last run: the next run asks for everything"

/**
 * Types that were asked for since an instant that, by the server's clock, is still to come: what changed before it is in
 * no increment, neither in this one nor in a later one.
 */
export function overtaken(exports: readonly ExportRecord[]): string[] {
  return exports
    .filter((each) => each.purpose === 'load' && !each.whole && each.since !== null)
    .filter((each) => safeWatermark(each) < new Date(each.since!))
    .flatMap((each) => each.types)
}

/** What the merge could not take up, and no later increment will bring again. */
export function heldByMerge(
  loads: readonly ExportRecord[],
  files: readonly FileRecord[],
  { notUnderstood, partial }: Pick<Merged, 'notUnderstood' | 'partial'>,
): Map<string, string> {
  const held = new Map<string, string>()
  for (const { file, count } of notUnderstood) {
    const of = files.find((each) => each.file === file)?.export
    const why = `${count.toLocaleString('en-US')} deletions name no resource by type and id: only a full run finds what they mean`
    for (const record of loads.filter((each) => each.export === of && !each.whole)) {
      for (const type of record.types) held.set(type, why)
    }
  }
  for (const { type, count } of partial) {
    held.set(
      type,
      `${count.toLocaleString('en-US')} resources that changed came with some elements only: a full run may have them whole`,
    )
  }
  return held
}

/**
 * What is missing of the list of a Group's members, or of the history of those who joined: it holds no watermark, for they
 * count as newcomers until all came.
 */
export function historiesHeld(
  exports: readonly ExportRecord[],
  heldOf: (exports: readonly ExportRecord[]) => ReadonlyMap<string, string>,
): Map<string, string> {
  const histories = heldOf(exports.filter((each) => each.purpose !== 'load'))
  return new Map([...histories].map(([type, why]) => [type, `of the Group's members, or of those who joined: ${why}`]))
}

/** http://hl7.org/fhir/issue-severity; what is none of these, or missing, may be worse. */
export const HARMLESS: ReadonlySet<string> = new Set(['information', 'warning', 'success'])

function reason(
  file: FileRecord,
  severities: ReadonlySet<string> | undefined,
  counts: 'right' | 'unreliable',
): string | undefined {
  if (file.state === 'failed' && !(file.kind === 'error' && file.claimed === 0))
    return `a file could not be had: ${file.note ?? ''}`
  if ([...(severities ?? [])].some((severity) => !HARMLESS.has(severity))) {
    return 'the server reported errors with this export'
  }
  if (file.kind === 'error' && file.claimed && file.state === 'landed' && !file.resources) {
    return 'the server announced errors with this export and did not say which'
  }
  if (file.damaged && file.kind === 'output')
    return file.damaged === 1
      ? '1 line of a file is damaged: it may be a resource'
      : `${file.damaged} lines of a file are damaged: each may be a resource`
  if (file.kind === 'deleted' && file.rejects) return 'deletions could not be read'
  if (file.kind !== 'output' || file.state !== 'landed') return undefined
  const [resources, rejects] = [file.resources ?? 0, file.rejects ?? 0]
  if (resources === 0 && rejects > 0) {
    // An error page or an OperationOutcome under a good status: not one line of what was listed came.
    return 'a file holds no usable resource'
  }
  if (counts === 'right' && file.claimed !== null && resources + rejects < file.claimed) {
    return `a file has ${(resources + rejects).toLocaleString('en-US')} of the ${file.claimed.toLocaleString('en-US')} resources that the server announced (a profile with 'counts: unreliable' passes over that)`
  }
  return undefined
}

/**
 * The earlier of the manifest's transactionTime and the server's clock at kick-off. Some servers (Medplum, HAPI before
 * 2025) give the job's end, though they read type after type: what was written meanwhile is in neither this export nor
 * one since its end.
 */
export function safeWatermark(record: ExportRecord): Date {
  const transactionTime = record.transaction_time!
  return record.server_date !== null && record.server_date < transactionTime ? record.server_date : transactionTime
}

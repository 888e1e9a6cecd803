/** Closing the books of a run: what the merge counted, with rejects and holdings, per type asked for. Pure. */
import type { Books, TypeCounts } from '../ledger/books.ts'
import type { ExportRecord } from '../ledger/exports.ts'
import type { FileRecord } from '../ledger/files.ts'
import type { Merged } from '../warehouse/merge/merge.ts'

const NONE = { received: 0, inserted: 0, updated: 0, unchanged: 0, superseded: 0, deleted: 0 }

/** Rejects of a file that names no type stand under `(mixed)`, those of deletions and messages under `(deleted)`, `(error)`. */
export function closeBooks(
  merged: Merged,
  files: readonly FileRecord[],
  exports: readonly ExportRecord[],
  held: ReadonlyMap<string, string>,
): Books {
  const rejected = new Map<string, number>()
  for (const file of files) {
    if (!file.rejects) continue
    const type = file.kind === 'output' ? (file.type ?? '(mixed)') : `(${file.kind})`
    rejected.set(type, (rejected.get(type) ?? 0) + file.rejects)
  }
  const counted = new Map(merged.types.map((type) => [type.type, type]))
  const names = new Set([...exports.flatMap((each) => each.types), ...counted.keys(), ...rejected.keys()])
  const types = [...names]
    .sort()
    .map((type): TypeCounts => ({
      ...NONE,
      ...counted.get(type),
      type,
      rejected: rejected.get(type) ?? 0,
      held: held.get(type) ?? null,
    }))
  const views = merged.views.map(({ losses: _, ...counts }) => counts)
  const losses = merged.views.flatMap(({ view_table, losses: lost }) =>
    lost.map(({ column, element, wanted, values }) => ({
      view_table,
      column_name: column,
      element,
      wanted,
      count: values,
    })),
  )
  return { types, views, losses }
}

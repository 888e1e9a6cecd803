/** The books of a commit: what landed, what the merge received, and what the tables hold must agree to the row. */
import { batches } from '../core/batches.ts'
import { StokerError } from '../core/errors.ts'
import { FILES_AT_ONCE, rawRelation } from '../store/raw-log.ts'
import type { Session } from '../store/session.ts'
import type { TypeMerge, ViewMerge } from '../warehouse/merge/merge.ts'

/** A file that was merged, with what the ledger says it holds. */
export interface BookedFile {
  readonly file: number
  readonly kind: 'output' | 'deleted'
  readonly resources: number
}

/** Resources of one type in the raw log of a file, as they were when the merge began. */
export interface RawCount {
  readonly file: number
  readonly type: string
  readonly resources: number
}

export interface MergeBooks {
  readonly files: readonly BookedFile[]
  readonly raw: readonly RawCount[]
  readonly types: readonly TypeMerge[]
  /** Living rows of the index that this run brought, by type. */
  readonly index: ReadonlyMap<string, number>
  /** Rows of the view tables before the merge, by name. */
  readonly rowsBefore: ReadonlyMap<string, number>
  readonly views: readonly Omit<ViewMerge, 'losses'>[]
}

/**
 * Call it in the transaction, before the commit.
 * @throws StokerError MERGE_BOOKS that names the first file, type or table whose books don't balance, with its numbers.
 */
export function checkMergeBooks(books: MergeBooks): void {
  const wrong = imbalance(books)
  if (wrong === undefined) return
  const { of, sum, ...numbers } = wrong
  const told = Object.entries(numbers).map(([name, value]) => `${name} ${value}`)
  throw new StokerError('MERGE_BOOKS', `the books of ${of} do not balance: ${sum} (${told.join(', ')})`, {
    hint: 'nothing was committed; if a file of the raw log was altered, stoker cancel gives the run up and the next sync begins anew, else report it with these numbers',
    facts: { of, ...numbers },
  })
}

/** What does not balance, the equation in words, and its numbers. */
type Imbalance = { readonly of: string; readonly sum: string } & Readonly<Record<string, string | number>>

/** Pure. What landed comes first, since what follows is wrong where that is. */
export function imbalance(books: MergeBooks): Imbalance | undefined {
  return fileImbalance(books) ?? typeImbalance(books) ?? viewImbalance(books)
}

function fileImbalance({ files, raw }: MergeBooks): Imbalance | undefined {
  const held = new Map<number, number>()
  for (const { file, resources } of raw) held.set(file, (held.get(file) ?? 0) + resources)
  for (const { file, resources } of files) {
    const found = held.get(file) ?? 0
    if (found === resources) continue
    return { of: `file ${file}`, sum: 'its raw log holds what landed', landed: resources, found }
  }
  const known = new Set(files.map(({ file }) => file))
  const stranger = raw.find(({ file }) => !known.has(file))
  if (stranger === undefined) return undefined
  return { of: `file ${stranger.file}`, sum: 'it was not to be merged', landed: 0, found: held.get(stranger.file)! }
}

function typeImbalance({ files, raw, types, index }: MergeBooks): Imbalance | undefined {
  const outputs = new Set(files.filter(({ kind }) => kind === 'output').map(({ file }) => file))
  const landed = new Map<string, number>()
  for (const { file, type, resources } of raw) {
    if (outputs.has(file)) landed.set(type, (landed.get(type) ?? 0) + resources)
  }
  const merged = new Map(types.map((type) => [type.type, type]))
  for (const type of new Set([...landed.keys(), ...merged.keys()])) {
    const { received, inserted, updated, unchanged, superseded } = merged.get(type) ?? NOTHING
    if (received !== (landed.get(type) ?? 0)) {
      return { of: type, sum: 'received = in its files', received, 'in its files': landed.get(type) ?? 0 }
    }
    const parts = { inserted, updated, unchanged, superseded }
    const isOdd = Object.values(parts).some((count) => count < 0)
    if (isOdd || received !== inserted + updated + unchanged + superseded) {
      return { of: type, sum: 'received = inserted + updated + unchanged + superseded', received, ...parts }
    }
    const indexed = index.get(type) ?? 0
    if (indexed !== inserted + updated) {
      return { of: type, sum: 'new in the index = inserted + updated', 'new in the index': indexed, inserted, updated }
    }
  }
  return undefined
}

function viewImbalance({ rowsBefore, views }: MergeBooks): Imbalance | undefined {
  for (const { view_table, rows_removed: removed, rows_added: added, rows } of views) {
    const before = rowsBefore.get(view_table) ?? 0
    if (rows === before - removed + added) continue
    return { of: `table ${view_table}`, sum: 'rows = before - removed + added', rows, before, removed, added }
  }
  return undefined
}

const NOTHING = { received: 0, inserted: 0, updated: 0, unchanged: 0, superseded: 0 }

/** Two columns of few values each: of ten million lines in a tenth of a second. */
export async function countRaw(session: Session, paths: readonly string[]): Promise<RawCount[]> {
  const counts: RawCount[] = []
  for (const some of batches(paths, FILES_AT_ONCE)) {
    counts.push(
      ...(await session.rows<RawCount>(
        `SELECT file, type, count(*) AS resources FROM ${rawRelation(some)} GROUP BY file, type ORDER BY file, type`,
      )),
    )
  }
  return counts
}

export async function countIndexed(session: Session, run: number): Promise<Map<string, number>> {
  const rows = await session.rows<{ type: string; resources: number }>(
    'SELECT type, count(*) AS resources FROM stoker.resource WHERE run = $1 AND deleted_by IS NULL GROUP BY type',
    [run],
  )
  return new Map(rows.map(({ type, resources }) => [type, resources]))
}

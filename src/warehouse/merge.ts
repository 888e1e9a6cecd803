/** The merge: what a run received → resource index and view tables, exactly, inside the caller's transaction. */
import { batches } from '../core/batches.ts'
import { StokerError } from '../core/errors.ts'
import { sqlText } from '../core/sql.ts'
import { rawRelation, rawRelationAt } from '../store/raw-log.ts'
import type { Session } from '../store/session.ts'
import type { Lake } from './lake.ts'
import { gatherDeparted, type Leavers } from './leavers.ts'
import { compareReceived, dropReceived, findPartial, type LandedFile, type PartialType } from './received.ts'
import { gatherTombstones, type NotUnderstood, type WholeTypes } from './tombstones.ts'
import { markChanged } from './view-tables.ts'
import { resourceKey, viewLosses, viewRows, viewTable, type View } from './view.ts'

export interface MergeInput {
  readonly run: number
  readonly source: string
  readonly lake: Lake
  /** Types that were asked for: nothing else is deleted. */
  readonly types: readonly string[]
  readonly files: readonly LandedFile[]
  readonly whole: readonly WholeTypes[]
  /** Where the export is of a Group, and who left it is known. */
  readonly leavers?: Leavers | undefined
  readonly views: readonly View[]
  /** Called before each view table, for progress. */
  readonly onView?: (name: string) => void
}

export interface TypeMerge {
  readonly type: string
  readonly received: number
  readonly inserted: number
  readonly updated: number
  readonly unchanged: number
  readonly superseded: number
  readonly deleted: number
}

export interface ViewMerge {
  readonly view_table: string
  readonly view_hash: string
  readonly rows_removed: number
  readonly rows_added: number
  readonly rows: number
  readonly losses: readonly ViewLoss[]
}

/** Values that are not in the table because they were not what the column wants. */
export interface ViewLoss {
  /** Null for what no column reads by itself, such as an element that only decides which rows there are. */
  readonly column: string | null
  /** Null where it is the column's own value. */
  readonly element: string | null
  /** As in "12 values were not dates". */
  readonly wanted: string
  readonly values: number
}

export interface Merged {
  readonly types: readonly TypeMerge[]
  readonly views: readonly ViewMerge[]
  readonly notUnderstood: readonly NotUnderstood[]
  readonly partial: readonly PartialType[]
}

/**
 * Compares, then deletes by key and inserts, in every view table of a type that changed; types that did not change are
 * not touched. Merging the same files again changes nothing.
 */
export async function merge(session: Session, input: MergeInput): Promise<Merged> {
  await compareReceived(session, input.source, input.files)
  await gatherDeparted(session, input.lake, input.source, relevant(input))
  const partial = await findPartial(session, input.source)
  const notUnderstood = await gatherTombstones(session, input)
  const types = await countTypes(session, input)
  const views: ViewMerge[] = []
  for (const view of input.views) {
    input.onView?.(view.name)
    views.push(await mergeView(session, input, view))
  }
  await mergeIndex(session, input.source)
  await dropReceived(session)
  return { types, views, notUnderstood, partial }
}

/** Rows that stay are in danger only where a whole export lacks them; rows that go do so when somebody left. */
function relevant({ leavers, whole }: MergeInput): Leavers | undefined {
  if (leavers === undefined) return undefined
  const { policy, changed, returned } = leavers
  const matters = policy === 'keep' ? returned !== undefined || whole.some(({ types }) => types.length > 0) : changed
  return matters ? leavers : undefined
}

async function countTypes(session: Session, { source }: MergeInput): Promise<TypeMerge[]> {
  return session.rows<TypeMerge>(
    `
    WITH counts AS (
      SELECT type, count(*) AS received, 0 AS newest, 0 AS inserted, 0 AS updated, 0 AS unchanged, 0 AS deleted FROM received GROUP BY type
      UNION ALL SELECT type, 0, count(*), 0, 0, 0, 0 FROM newest GROUP BY type
      UNION ALL SELECT type, 0, 0, count(*) FILTER (kind = 'inserted'), count(*) FILTER (kind = 'updated'), 0, 0 FROM change GROUP BY type
      UNION ALL SELECT type, 0, 0, 0, 0, count(*), 0 FROM newest AS n
        SEMI JOIN (SELECT type, id, hash FROM stoker.resource WHERE source = $1 AND deleted_by IS NULL) AS h USING (type, id, hash) GROUP BY type
      UNION ALL SELECT t.type, 0, 0, 0, 0, 0, count(*) FROM tombstone AS t
        SEMI JOIN (SELECT type, id FROM stoker.resource WHERE source = $1 AND deleted_by IS NULL) AS h USING (type, id) GROUP BY t.type)
    SELECT type, sum(received)::BIGINT AS received, sum(inserted)::BIGINT AS inserted, sum(updated)::BIGINT AS updated,
      sum(unchanged)::BIGINT AS unchanged, sum(received - inserted - updated - unchanged)::BIGINT AS superseded,
      sum(deleted)::BIGINT AS deleted
    FROM counts GROUP BY type ORDER BY type`,
    [source],
  )
}

async function mergeView(session: Session, input: MergeInput, view: View): Promise<ViewMerge> {
  const table = viewTable(view.name)
  const type = sqlText(view.resource)
  const removed = await session.run(
    `DELETE FROM ${table} WHERE _resource_key IN (
       SELECT ${resourceKey('$1', 'type', 'id')} FROM (
         SELECT type, id FROM change WHERE type = ${type} AND kind = 'updated'
         UNION ALL SELECT type, id FROM tombstone WHERE type = ${type}))`,
    [input.source],
  )
  let added = 0
  const losses: ViewLoss[] = []
  for (const raw of await changedLines(session, input, view.resource)) {
    added += await session.run(`INSERT INTO ${table} ${viewRows(view, raw)}`)
    losses.push(...(await session.rows<ViewLoss>(viewLosses(view, raw))))
  }
  if (removed > 0 || added > 0) await markChanged(session, view.name)
  const rows = (await session.first<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`))?.rows ?? 0
  return {
    view_table: view.name,
    view_hash: view.hash,
    rows_removed: removed,
    rows_added: added,
    rows,
    losses: summed(losses),
  }
}

function summed(losses: readonly ViewLoss[]): ViewLoss[] {
  const sums = new Map<string, ViewLoss>()
  for (const loss of losses) {
    const key = [loss.column, loss.element, loss.wanted].join(' ')
    sums.set(key, { ...loss, values: (sums.get(key)?.values ?? 0) + loss.values })
  }
  return [...sums.values()]
}

/** DuckDB keeps a buffer for each file it reads at a time; a server may cut an export into 20,000 of them. */
const FILES_AT_ONCE = 100

/**
 * The changed lines of a type as raw log relations of some files each. A file whose every line of the type is a change (a first load, most
 * of an increment) is read as it is; only where a file repeats what is held are its lines picked by a join.
 */
async function changedLines(session: Session, input: MergeInput, type: string): Promise<string[]> {
  const files = await session.rows<{ file: number; changed: number; received: number }>(
    `SELECT file, count(*) AS received, coalesce(any_value(c.changed), 0) AS changed FROM received
       LEFT JOIN (SELECT file, count(*) AS changed FROM change WHERE type = $1 GROUP BY file) AS c USING (file)
     WHERE type = $1 GROUP BY file HAVING coalesce(any_value(c.changed), 0) > 0 ORDER BY file`,
    [type],
  )
  if (files.some((file) => file.changed > file.received)) {
    throw new StokerError('MERGE_BOOKS', `more of ${type} would change than was received`, {
      hint: 'this is an error of Stoker: report it; nothing was committed',
      facts: { type },
    })
  }
  const paths = new Map(input.files.map((file) => [file.file, file.rawPath]))
  const pathsOf = (of: typeof files) => of.map((file) => paths.get(file.file)!)
  const all = batches(pathsOf(files.filter((file) => file.changed === file.received)), FILES_AT_ONCE)
  const some = batches(pathsOf(files.filter((file) => file.changed < file.received)), FILES_AT_ONCE)
  const places = `SELECT file, line FROM change WHERE type = ${sqlText(type)}`
  return [...all.map(rawRelation), ...some.map((each) => rawRelationAt(each, places))]
}

async function mergeIndex(session: Session, source: string): Promise<void> {
  await session.run(
    `DELETE FROM stoker.resource AS h USING (
       SELECT type, id FROM change WHERE held UNION ALL SELECT type, id FROM tombstone) AS gone
     WHERE h.source = $1 AND h.type = gone.type AND h.id = gone.id`,
    [source],
  )
  await session.run(
    `INSERT INTO stoker.resource
     SELECT $1, type, id, version, last_updated, exported_at, subsetted, hash, run, file, line, NULL FROM change
     UNION ALL SELECT $1, type, id, NULL, NULL, exported_at, false, NULL, run, file, line, deleted_by FROM tombstone`,
    [source],
  )
}

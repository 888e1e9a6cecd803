/** The merge: what a run received → resource index and view tables, exactly, inside the caller's transaction. */
import { sqlText } from '../../core/sql.ts'
import type { Session } from '../../store/session.ts'
import type { Lake } from '../lake.ts'
import { gatherDeparted, type Leavers } from './leavers.ts'
import { rawLines } from '../raw-lines.ts'
import { compareReceived, dropReceived, findPartial, type LandedFile, type PartialType } from './received.ts'
import { dropSameContent } from './same-content.ts'
import { gatherTombstones, type NotUnderstood, type WholeTypes } from './tombstones.ts'
import { countRows, markChanged } from '../tables/view-tables.ts'
import { resourceKey, viewLosses, viewRows, viewTable, type View } from '../tables/view.ts'

export interface MergeInput {
  readonly run: number
  readonly source: string
  readonly lake: Lake
  /** Types that were asked for: nothing else is deleted. */
  readonly types: readonly string[]
  readonly files: readonly LandedFile[]
  /** Types of which something may be missing: what is told of them is true, but may not be all. */
  readonly held?: ReadonlySet<string> | undefined
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
  await session.inAnyOrder()
  await compareReceived(session, input.source, input.files)
  await dropSameContent(session, input.lake, input.source)
  await gatherDeparted(session, input.lake, input.source, relevant(input))
  const partial = await findPartial(session, input.source)
  const notUnderstood = await gatherTombstones(session, input)
  const types = await countTypes(session, input)
  const views = await mergeViews(session, input)
  await mergeIndex(session, input)
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
      SELECT type, count(*) AS received, 0 AS newest, 0 AS inserted, 0 AS updated, 0 AS unchanged, 0 AS deleted FROM temp._received GROUP BY type
      UNION ALL SELECT type, 0, count(*), 0, 0, 0, 0 FROM temp._newest GROUP BY type
      UNION ALL SELECT type, 0, 0, count(*) FILTER (kind = 'inserted'), count(*) FILTER (kind = 'updated'), 0, 0 FROM temp._change GROUP BY type
      UNION ALL SELECT type, 0, 0, 0, 0, count(*), 0 FROM temp._newest AS n
        SEMI JOIN (SELECT type, id, hash FROM stoker.resource WHERE source = $1 AND deleted_by IS NULL) AS h USING (type, id, hash) GROUP BY type
      UNION ALL SELECT t.type, 0, 0, 0, 0, 0, count(*) FROM temp._tombstone AS t
        SEMI JOIN (SELECT type, id FROM stoker.resource WHERE source = $1 AND deleted_by IS NULL) AS h USING (type, id) GROUP BY t.type)
    SELECT type, sum(received)::BIGINT AS received, sum(inserted)::BIGINT AS inserted, sum(updated)::BIGINT AS updated,
      sum(unchanged)::BIGINT AS unchanged, sum(received - inserted - updated - unchanged)::BIGINT AS superseded,
      sum(deleted)::BIGINT AS deleted
    FROM counts GROUP BY type ORDER BY type`,
    [source],
  )
}

async function mergeViews(session: Session, input: MergeInput): Promise<ViewMerge[]> {
  const changes = await changesByType(session, input.lake)
  const merged = new Map<string, Awaited<ReturnType<typeof mergeView>>>()
  for (const view of input.views) {
    input.onView?.(view.name)
    const change = changes.get(view.resource)
    if (change !== undefined) merged.set(view.name, await mergeView(session, input, view, change))
  }
  const rows = await countRows(session, input.views)
  return input.views.map(({ name, hash }) => ({
    view_table: name,
    view_hash: hash,
    ...(merged.get(name) ?? UNTOUCHED),
    rows: rows.get(name)!,
  }))
}

const UNTOUCHED = { rows_removed: 0, rows_added: 0, losses: [] }

/** What the view tables of a type have to take up. */
interface TypeChange {
  /** Resources that are held, alive or not, come in another version. */
  readonly replaced: boolean
  readonly deleted: boolean
  /** The changed resources' lines of the raw log, as relations. */
  readonly lines: () => Promise<readonly string[]>
}

/** By type; what is not in it has not changed. Several tables of a type read the same lines, which are looked for once. */
async function changesByType(session: Session, lake: Lake): Promise<Map<string, TypeChange>> {
  const types = await session.rows<{ type: string; changed: boolean; replaced: boolean; deleted: boolean }>(
    `SELECT type, bool_or(changed) AS changed, bool_or(replaced) AS replaced, bool_or(deleted) AS deleted FROM (
       SELECT type, true AS changed, held AS replaced, false AS deleted FROM temp._change
       UNION ALL SELECT type, false, false, true FROM temp._tombstone) GROUP BY type`,
  )
  return new Map(
    types.map(({ type, changed, replaced, deleted }) => {
      let lines: Promise<readonly string[]> | undefined
      const look = () =>
        rawLines(
          session,
          lake,
          `SELECT file, line, NULL::TIMESTAMPTZ AS deleted_at FROM temp._change WHERE type = ${sqlText(type)}`,
        )
      return [type, { replaced, deleted, lines: () => (lines ??= changed ? look() : Promise.resolve([])) }]
    }),
  )
}

async function mergeView(
  session: Session,
  { source }: MergeInput,
  view: View,
  { replaced, deleted, lines: changedLines }: TypeChange,
): Promise<Pick<ViewMerge, 'rows_removed' | 'rows_added' | 'losses'>> {
  const table = viewTable(view.name)
  const type = sqlText(view.resource)
  const key = resourceKey('$1', 'type', 'id')
  const gone = [
    // What comes to life again takes the place of the rows that were kept of it.
    ...(replaced ? [`SELECT type, id FROM temp._change WHERE type = ${type} AND held`] : []),
    ...(deleted && !view.keepsDeleted ? [`SELECT type, id FROM temp._tombstone WHERE type = ${type}`] : []),
  ]
  let removed = 0
  if (gone.length > 0) {
    removed = await session.run(
      `DELETE FROM ${table} WHERE _resource_key IN (SELECT ${key} FROM (${gone.join(' UNION ALL ')}))`,
      [source],
    )
  }
  let marked = 0
  if (view.keepsDeleted && deleted) {
    marked = await session.run(
      `UPDATE ${table} SET _deleted_at = stoker_gone.exported_at FROM temp._tombstone AS stoker_gone
       WHERE stoker_gone.type = ${type} AND _resource_key = ${resourceKey('$1', 'stoker_gone.type', 'stoker_gone.id')}`,
      [source],
    )
  }
  let added = 0
  const losses: ViewLoss[] = []
  for (const lines of await changedLines()) {
    await session.run('CREATE OR REPLACE TEMP SEQUENCE _lossy')
    added += await session.run(`INSERT INTO ${table} ${viewRows(view, lines, 'temp._lossy')}`)
    // Counting reads the lines a second time: only where something is known to be lost.
    const isLossy = (await session.first<{ lossy: boolean }>(`SELECT nextval('temp._lossy') > 1 AS lossy`))!.lossy
    if (isLossy) losses.push(...(await session.rows<ViewLoss>(viewLosses(view, lines))))
  }
  if (removed + marked + added > 0) await markChanged(session, view.name)
  return { rows_removed: removed, rows_added: added, losses: summed(losses) }
}

function summed(losses: readonly ViewLoss[]): ViewLoss[] {
  const sums = new Map<string, ViewLoss>()
  for (const loss of losses) {
    const key = [loss.column, loss.element, loss.wanted].join(' ')
    sums.set(key, { ...loss, values: (sums.get(key)?.values ?? 0) + loss.values })
  }
  return [...sums.values()]
}

async function mergeIndex(session: Session, { source, run }: MergeInput): Promise<void> {
  await session.run(
    `CREATE OR REPLACE TEMP TABLE _outlived AS SELECT type, id FROM temp._change WHERE held UNION ALL SELECT type, id FROM temp._tombstone`,
  )
  await session.run(
    `INSERT INTO stoker.resource_past SELECT *, $2 FROM stoker.resource SEMI JOIN temp._outlived USING (type, id) WHERE source = $1`,
    [source, run],
  )
  await session.run(
    `DELETE FROM stoker.resource AS h USING temp._outlived AS o WHERE h.source = $1 AND h.type = o.type AND h.id = o.id`,
    [source],
  )
  await session.run(
    `INSERT INTO stoker.resource
     SELECT $1, type, id, version, last_updated, exported_at, subsetted, hash, run, file, line, NULL FROM temp._change
     UNION ALL SELECT $1, type, id, NULL, NULL, exported_at, false, NULL, run, file, line, deleted_by FROM temp._tombstone`,
    [source],
  )
}

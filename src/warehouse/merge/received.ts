/** What a run received, as temporary tables: every line, the newest of each resource, and what that changes. */
import type { Session } from '../../store/session.ts'
import { rawRelation } from '../../store/raw-log.ts'

/** A landed output or deleted file of the run. */
export interface LandedFile {
  readonly file: number
  readonly kind: 'output' | 'deleted'
  readonly rawPath: string
  /** Those its export was asked for: what it tells of others, such as their deletions, may be only half of it. */
  readonly types?: readonly string[] | undefined
  /**
   * The time of its export, or of its page of a published manifest: all that its resources and tombstones can be dated
   * by. The server's state as of then is in it, though some of what changed while the server worked may be in it too.
   */
  readonly exportedAt: Date
  /** As of when its export was asked for changes: what it tells happened since. Undefined: ever. */
  readonly since?: Date | undefined
  /** True when its export tells the present state of what it holds, whenever that was changed: a tombstone gives way. */
  readonly whole: boolean
  /** Its export asked for some elements alone: that only those came is no fault of its resources. */
  readonly elementsAsked: boolean
}

/**
 * As SQL over a row with these columns, NULL where `lastUpdated` says nothing: one of long after the export (none takes a
 * year) would keep its resource from ever changing again.
 */
function changedAt(row: string): string {
  return `CASE WHEN ${row}.last_updated < ${row}.exported_at + INTERVAL 1 YEAR THEN ${row}.last_updated END`
}

/** The order of versions within a run: by instant, which is that of the export where there is none, then by version. */
function versionOrder(row: string): string {
  return `(coalesce(${changedAt(row)}, ${row}.exported_at), coalesce(${row}.version, -1), ${row}.exported_at)`
}

/** Servers of one name may have clocks that differ by this much. */
const CLOCKS_DIFFER = "INTERVAL '5 minutes'"

/**
 * Whether a version is older than another of an earlier run: what a later run was given is the later state, unless instant
 * and version both say otherwise, or, where there is no version, the instant by more than clocks differ.
 */
function isOlder(row: string, held: string): string {
  const [one, other] = [changedAt(row), changedAt(held)]
  return `coalesce(${one} < ${other} AND coalesce(${row}.version < ${held}.version, ${one} < ${other} - ${CLOCKS_DIFFER}), false)`
}

/**
 * Makes the temporary tables `_received` (one row a line), `_newest` (one row a resource: of several versions received,
 * the last in version order, then by file and line) and `_change` (those of them that the index does not hold). A resource
 * of which only some elements came (SUBSETTED) never stands in for a whole one, newer or not.
 */
export async function compareReceived(session: Session, source: string, files: readonly LandedFile[]): Promise<void> {
  const outputs = files.filter((file) => file.kind === 'output')
  await session.run(
    'CREATE OR REPLACE TEMP TABLE _landed (file INTEGER, exported_at TIMESTAMPTZ, whole BOOLEAN, elements_asked BOOLEAN)',
  )
  for (const { file, exportedAt, whole, elementsAsked } of outputs) {
    const values = [file, exportedAt.toISOString(), whole, elementsAsked]
    await session.run('INSERT INTO temp._landed VALUES ($1, $2::TIMESTAMPTZ, $3, $4)', values)
  }
  await session.run(`
    CREATE OR REPLACE TEMP TABLE _received AS
    SELECT type, id, version, last_updated, subsetted AND NOT elements_asked AS subsetted, hash, run, file, line, exported_at, whole
    FROM ${rawRelation(outputs.map((file) => file.rawPath))} JOIN temp._landed USING (file)`)
  await keepNewest(session)
  await session.run(
    `
    CREATE OR REPLACE TEMP TABLE _change AS
    SELECT n.*, h.id IS NOT NULL AS held, CASE WHEN h.id IS NULL OR h.deleted_by IS NOT NULL THEN 'inserted' ELSE 'updated' END AS kind
    FROM temp._newest AS n LEFT JOIN stoker.resource AS h ON h.source = $1 AND h.type = n.type AND h.id = n.id
    WHERE h.id IS NULL
      -- what a later run tells of the whole present state is so, be it older than what was held (a restored backup)
      OR (h.deleted_by IS NULL AND h.hash <> n.hash AND (h.subsetted OR NOT n.subsetted)
        AND (n.whole AND n.run > h.run OR NOT ${isOlder('n', 'h')}))
      -- a later re-creation beats the tombstone; so does a later run that tells the whole state and still has it; a
      -- tombstone that was only inferred gives way to any later sight of the resource
      OR (h.deleted_by IS NOT NULL AND n.run > h.run
        AND (n.whole OR h.deleted_by <> 'reported' OR coalesce(${changedAt('n')} > h.exported_at - ${CLOCKS_DIFFER}, true)))`,
    [source],
  )
}

/**
 * Hardly any server repeats a resource, and sorting everything to find the few that do is the dearest step there is: a
 * hash of each key finds the candidates (two keys of one hash are candidates too, and lose nothing by it).
 */
async function keepNewest(session: Session): Promise<void> {
  await session.run(`
    CREATE OR REPLACE TEMP TABLE _repeated AS
    SELECT hash(type, id) AS key FROM temp._received GROUP BY key HAVING count(*) > 1`)
  const repeated = await session.first<{ any: boolean }>('SELECT count(*) > 0 AS any FROM temp._repeated')
  if (!repeated?.any) {
    await session.run('CREATE OR REPLACE TEMP VIEW _newest AS FROM temp._received')
    return
  }
  await session.run(`
    CREATE OR REPLACE TEMP TABLE _newest_rows AS
    SELECT * FROM temp._received WHERE hash(type, id) NOT IN (FROM temp._repeated)
    UNION ALL
    SELECT * FROM temp._received AS v WHERE hash(type, id) IN (FROM temp._repeated)
    QUALIFY row_number() OVER (PARTITION BY type, id ORDER BY subsetted, ${versionOrder('v')} DESC, file DESC, line DESC) = 1`)
  await session.run('CREATE OR REPLACE TEMP VIEW _newest AS FROM temp._newest_rows')
}

export interface PartialType {
  readonly type: string
  readonly count: number
}

/**
 * Types of which an increment brought only some elements of a resource that changed, with how many: the whole ones that are
 * held stay, and no later increment tells of them. After {@link compareReceived}.
 */
export async function findPartial(session: Session, source: string): Promise<PartialType[]> {
  return session.rows<PartialType>(
    `SELECT n.type, count(*) AS count
     FROM (FROM temp._newest WHERE subsetted AND NOT whole) AS n
     JOIN stoker.resource AS h ON h.source = $1 AND h.type = n.type AND h.id = n.id
     WHERE h.deleted_by IS NULL AND NOT h.subsetted AND h.hash <> n.hash AND NOT ${isOlder('n', 'h')}
     GROUP BY n.type ORDER BY n.type`,
    [source],
  )
}

export async function dropReceived(session: Session): Promise<void> {
  await session.run('DROP VIEW IF EXISTS temp._newest')
  for (const table of [
    'landed',
    'received',
    'repeated',
    'newest_rows',
    'change',
    'tombstone',
    'departed',
    'outlived',
  ]) {
    await session.run(`DROP TABLE IF EXISTS temp._${table}`)
  }
}

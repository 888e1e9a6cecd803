/** What a run received, as temporary tables: every line, the newest of each resource, and what that changes. */
import type { Session } from '../store/session.ts'
import { rawRelation } from '../store/raw-log.ts'

/** A landed output or deleted file of the run. */
export interface LandedFile {
  readonly file: number
  readonly kind: 'output' | 'deleted'
  readonly rawPath: string
  /** transactionTime of its export: stands in for a missing lastUpdated, and dates its tombstones. */
  readonly exportedAt: Date
  /** True when its export tells the whole present state of its types. */
  readonly whole: boolean
}

/**
 * The order of versions, as SQL over a row with these columns: by instant, then version, then time of export. A
 * resource without lastUpdated counts as changed when it was exported.
 */
function versionOrder(row: string): string {
  return `(coalesce(${row}.last_updated, ${row}.exported_at), coalesce(${row}.version, -1), ${row}.exported_at)`
}

/**
 * Makes the temporary tables `received` (one row a line), `newest` (one row a resource: of several versions received,
 * the last in version order, then by file and line) and `change` (those of them that the index does not hold).
 */
export async function compareReceived(session: Session, source: string, files: readonly LandedFile[]): Promise<void> {
  const outputs = files.filter((file) => file.kind === 'output')
  await session.run('CREATE OR REPLACE TEMP TABLE landed (file INTEGER, exported_at TIMESTAMPTZ, whole BOOLEAN)')
  for (const { file, exportedAt, whole } of outputs) {
    await session.run('INSERT INTO landed VALUES ($1, $2::TIMESTAMPTZ, $3)', [file, exportedAt.toISOString(), whole])
  }
  await session.run(`
    CREATE OR REPLACE TEMP TABLE received AS
    SELECT type, id, version, last_updated, hash, run, file, line, exported_at, whole
    FROM ${rawRelation(outputs.map((file) => file.rawPath))} JOIN landed USING (file)`)
  await keepNewest(session)
  await session.run(
    `
    CREATE OR REPLACE TEMP TABLE change AS
    SELECT n.*, h.id IS NOT NULL AS held, CASE WHEN h.id IS NULL OR h.deleted_by IS NOT NULL THEN 'inserted' ELSE 'updated' END AS kind
    FROM newest AS n LEFT JOIN stoker.resource AS h ON h.source = $1 AND h.type = n.type AND h.id = n.id
    WHERE h.id IS NULL
      OR (h.deleted_by IS NULL AND h.hash <> n.hash AND ${versionOrder('n')} >= ${versionOrder('h')})
      OR (h.deleted_by IS NOT NULL AND (
        -- a later re-creation beats the tombstone; so does a later export that tells the whole state and still has it;
        -- a tombstone that was only inferred gives way to any later sight of the resource
        coalesce(n.last_updated, n.exported_at) > h.exported_at
        OR ((n.whole OR h.deleted_by = 'missing') AND n.exported_at > h.exported_at)))`,
    [source],
  )
}

/**
 * Hardly any server repeats a resource, and sorting everything to find the few that do is the dearest step there is: a
 * hash of each key finds the candidates (two keys of one hash are candidates too, and lose nothing by it).
 */
async function keepNewest(session: Session): Promise<void> {
  await session.run(`
    CREATE OR REPLACE TEMP TABLE repeated AS
    SELECT hash(type, id) AS key FROM received GROUP BY key HAVING count(*) > 1`)
  const repeated = await session.first<{ any: boolean }>('SELECT count(*) > 0 AS any FROM repeated')
  if (!repeated?.any) {
    await session.run('CREATE OR REPLACE TEMP VIEW newest AS FROM received')
    return
  }
  await session.run(`
    CREATE OR REPLACE TEMP TABLE newest_rows AS
    SELECT * FROM received WHERE hash(type, id) NOT IN (FROM repeated)
    UNION ALL
    SELECT * FROM received AS v WHERE hash(type, id) IN (FROM repeated)
    QUALIFY row_number() OVER (PARTITION BY type, id ORDER BY ${versionOrder('v')} DESC, file DESC, line DESC) = 1`)
  await session.run('CREATE OR REPLACE TEMP VIEW newest AS FROM newest_rows')
}

export async function dropReceived(session: Session): Promise<void> {
  await session.run('DROP VIEW IF EXISTS temp.newest')
  for (const table of ['landed', 'received', 'repeated', 'newest_rows', 'change', 'tombstone']) {
    await session.run(`DROP TABLE IF EXISTS temp.${table}`)
  }
}

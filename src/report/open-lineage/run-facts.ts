/** What the ledger knows of a run that OpenLineage has a place for. */
import type { Ask } from '../../ledger/run-details.ts'
import type { RunRecord } from '../../ledger/runs.ts'

export interface RunFacts {
  readonly run: RunRecord
  /** Asked for, in alphabetical order. */
  readonly types: readonly string[]
  /** By type; none before its commit. */
  readonly received: ReadonlyMap<string, TypeFacts>
  /** By name. */
  readonly tables: ReadonlyMap<string, TableFacts>
  /** That it was published as. */
  readonly snapshot: number | undefined
}

export interface TypeFacts {
  readonly received: number
  /** Of its files, decompressed; those that hold several types count for none. */
  readonly bytes: number
  readonly files: number
}

export interface TableFacts {
  readonly rowsAdded: number
  readonly rows: number
  /** Of its files in the snapshot. */
  readonly bytes: number
  readonly files: number
  /** Of those the snapshot before it did not have. */
  readonly bytesWritten: number
  readonly filesWritten: number
}

/** Undefined where there is no such run. */
export async function runFacts(ask: Ask, number: number): Promise<RunFacts | undefined> {
  const [run] = await ask<RunRecord>(`SELECT * FROM stoker.run WHERE run = ${number}`)
  if (run === undefined) return undefined
  const types = await ask<{ type: string }>(
    `SELECT DISTINCT unnest(types) AS type FROM stoker.export WHERE run = ${number} AND purpose <> 'members' ORDER BY type`,
  )
  const received = await ask<TypeFacts & { type: string }>(`
    SELECT t.type, t.received, coalesce(sum(f.bytes), 0)::BIGINT AS bytes, count(f.file) AS files
    FROM stoker.run_type AS t
    LEFT JOIN stoker.file AS f ON f.run = t.run AND f.type = t.type AND f.kind = 'output' AND f.state = 'landed'
    WHERE t.run = ${number} GROUP BY ALL`)
  const [published] = await ask<{ snapshot: number | null }>(
    `SELECT max(snapshot) AS snapshot FROM stoker.snapshot WHERE run = ${number}`,
  )
  const snapshot = published?.snapshot ?? undefined
  return {
    run,
    types: types.map(({ type }) => type),
    received: new Map(received.map(({ type, ...counts }) => [type, counts])),
    tables: await tableFacts(ask, number, snapshot),
    snapshot,
  }
}

/** A table that did not change is carried over as a whole, of others the files that hold the same. */
async function tableFacts(ask: Ask, run: number, snapshot = 0): Promise<Map<string, TableFacts>> {
  const rows = await ask<TableFacts & { name: string }>(`
    WITH f AS (
      SELECT name, sum(bytes) AS bytes, count(*) AS files, coalesce(sum(bytes) FILTER (is_new), 0) AS new_bytes,
        count(*) FILTER (is_new) AS new_files
      FROM (
        SELECT f.name, f.bytes, b.holds IS NULL AND t.changed IS DISTINCT FROM u.changed AS is_new
        FROM stoker.snapshot_file AS f
        JOIN stoker.snapshot_table AS t ON t.snapshot = f.snapshot AND t.name = f.name
        LEFT JOIN stoker.snapshot_table AS u ON u.snapshot = ${before(snapshot)} AND u.name = f.name
        LEFT JOIN (SELECT DISTINCT name, holds FROM stoker.snapshot_file WHERE snapshot = ${before(snapshot)}) AS b
          ON b.name = f.name AND b.holds = f.holds
        WHERE f.snapshot = ${snapshot})
      GROUP BY name)
    SELECT v.view_table AS name, v.rows_added AS "rowsAdded", v.rows, coalesce(f.bytes, 0)::BIGINT AS bytes,
      coalesce(f.files, 0) AS files, coalesce(f.new_bytes, 0)::BIGINT AS "bytesWritten",
      coalesce(f.new_files, 0) AS "filesWritten"
    FROM stoker.run_view AS v LEFT JOIN f ON f.name = v.view_table
    WHERE v.run = ${run}`)
  return new Map(rows.map(({ name, ...counts }) => [name, counts]))
}

function before(snapshot: number): string {
  return `(SELECT max(snapshot) FROM stoker.snapshot WHERE snapshot < ${snapshot})`
}

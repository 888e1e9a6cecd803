/** The ledger's records of what was published. */
import type { Database } from '../../store/database.ts'
import type { Session } from '../../store/session.ts'
import type { TableFile } from './table-files.ts'

/** A view table as the ledger knows it of a snapshot. */
export interface RecordedTable {
  readonly name: string
  /** Number of the view table's last change; equal in two snapshots: the same files. */
  readonly changed: number
  readonly files: readonly TableFile[]
}

export async function lastSnapshot(session: Session): Promise<number | undefined> {
  return (
    (await session.first<{ last: number | null }>('SELECT max(snapshot) AS last FROM stoker.snapshot'))?.last ??
    undefined
  )
}

/** The snapshot a run's commit was published as, if it was. */
export async function snapshotOfRun(session: Session, run: number): Promise<number | undefined> {
  return (
    (
      await session.first<{ last: number | null }>('SELECT max(snapshot) AS last FROM stoker.snapshot WHERE run = $1', [
        run,
      ])
    )?.last ?? undefined
  )
}

/** Whether a snapshot has every view table as it is now, and no other; without one, whether there is nothing to publish. */
export async function isPublished(session: Session, snapshot: number | undefined): Promise<boolean> {
  const differing =
    snapshot === undefined
      ? 'FROM stoker.run WHERE committed_at IS NOT NULL'
      : `FROM stoker.view_table AS t FULL JOIN (FROM stoker.snapshot_table WHERE snapshot = ${snapshot}) AS s USING (name)
         WHERE t.changed IS DISTINCT FROM s.changed`
  const found = await session.first<{ rows: number }>(`SELECT count(*) AS rows ${differing}`)
  return found?.rows === 0
}

/** By name. */
export async function recordedTables(session: Session, snapshot: number): Promise<Map<string, RecordedTable>> {
  const tables = await session.rows<{ name: string; changed: number }>(
    'SELECT name, changed FROM stoker.snapshot_table WHERE snapshot = $1',
    [snapshot],
  )
  const files = await session.rows<TableFile & { name: string }>(
    'SELECT name, file, holds, rows, bytes, sha256 FROM stoker.snapshot_file WHERE snapshot = $1',
    [snapshot],
  )
  return new Map(
    tables.map(({ name, changed }) => [name, { name, changed, files: files.filter((file) => file.name === name) }]),
  )
}

/** In one transaction: from here on the snapshot is published. */
export async function recordSnapshot(
  database: Database,
  snapshot: number,
  run: number | undefined,
  now: Date,
  tables: readonly (RecordedTable & { readonly rows: number; readonly bytes: number })[],
): Promise<void> {
  await database.transaction(async (session) => {
    await session.run('INSERT INTO stoker.snapshot VALUES ($1, $2, $3::TIMESTAMPTZ, NULL)', [
      snapshot,
      run ?? null,
      now.toISOString(),
    ])
    const values = tables.map(({ name, changed, rows, bytes }) => ({ name, changed, rows, bytes }))
    await session.run(
      `INSERT INTO stoker.snapshot_table SELECT $1, t.name, t.changed, t.rows, t.bytes FROM (SELECT unnest(from_json($2::JSON,
         '[{"name":"VARCHAR","changed":"BIGINT","rows":"BIGINT","bytes":"BIGINT"}]')) AS t)`,
      [snapshot, JSON.stringify(values)],
    )
    const files = tables.flatMap(({ name, files: of }) => of.map((file) => ({ ...file, name })))
    await session.run(
      `INSERT INTO stoker.snapshot_file SELECT $1, f.name, f.file, f.holds, f.rows, f.bytes, f.sha256 FROM (SELECT unnest(from_json($2::JSON,
         '[{"name":"VARCHAR","file":"VARCHAR","holds":"VARCHAR","rows":"BIGINT","bytes":"BIGINT","sha256":"VARCHAR"}]')) AS f)`,
      [snapshot, JSON.stringify(files)],
    )
  })
}

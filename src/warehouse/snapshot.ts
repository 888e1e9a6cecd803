/** Publishing: all view tables as one immutable snapshot, and the catalog that readers open moved to it. */
import { copyFile, link, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, settle, syncFolder, writeWhole } from '../core/durable.ts'
import { sqlText } from '../core/sql.ts'
import type { Database } from '../store/database.ts'
import type { Session } from '../store/session.ts'
import { writeCatalog, type CatalogTable } from './catalog.ts'
import type { Lake } from './lake.ts'
import { LINEAGE_TABLES } from './lineage-tables.ts'
import { LINEAGE_COLUMNS, viewTable, type View } from './view.ts'

export interface PublishedTable {
  readonly name: string
  readonly rows: number
  readonly bytes: number
  /** Number of the view table's last change; equal in two snapshots: the same files. */
  readonly changed: number
  readonly carriedOver: boolean
}

export interface Snapshot {
  readonly snapshot: number
  readonly folder: string
  readonly tables: readonly PublishedTable[]
}

/**
 * Publishes the view tables as they stand. A table that has not changed since the last snapshot is carried over by hard
 * link, so that every snapshot's folder is whole by itself and removing one never breaks another.
 *
 * Interrupted, it leaves at most a folder the ledger does not know, which the next publishing removes; the catalog names
 * the old snapshot until it is replaced, by rename, with the new one's.
 */
export async function publishSnapshot(
  database: Database,
  lake: Lake,
  views: readonly View[],
  run: number | undefined,
  now: Date,
  signal?: AbortSignal,
): Promise<Snapshot> {
  return database.using((session) =>
    session.interruptible(signal, async () => {
      const last = await lastSnapshot(session)
      const number = (last ?? 0) + 1
      const folder = lake.snapshot(number)
      const part = `${folder}.part`
      for (const leftover of [part, folder]) await rm(leftover, { recursive: true, force: true })
      await makeFolder(part)

      const held = new Map(
        (last === undefined
          ? []
          : await session.rows<{ name: string; changed: number; rows: number; bytes: number }>(
              'SELECT name, changed, rows, bytes FROM stoker.snapshot_table WHERE snapshot = $1',
              [last],
            )
        ).map((table) => [table.name, table]),
      )
      const state = new Map(
        (await session.rows<{ name: string; changed: number }>('SELECT name, changed FROM stoker.view_table')).map(
          (t) => [t.name, t.changed],
        ),
      )
      const tables: PublishedTable[] = []
      for (const { name } of views) {
        const changed = state.get(name)!
        const to = join(part, name)
        const before = held.get(name)
        const isSame = last !== undefined && before?.changed === changed
        const carriedOver = isSame && (await carryOver(session, join(lake.snapshot(last), name), to, before))
        if (!carriedOver) await writeTable(session, `SELECT * FROM ${viewTable(name)}`, to)
        tables.push({ name, changed, carriedOver, ...(await measure(session, to)) })
      }
      for (const { name, sql } of LINEAGE_TABLES) await writeTable(session, sql, join(part, 'stoker', name))
      const watermarks = await session.rows('SELECT * FROM stoker.watermark ORDER BY source, type')
      await writeWhole(
        join(part, 'manifest.json'),
        `${JSON.stringify({ snapshot: number, run, publishedAt: now, tables: tables.map(({ changed: _, ...table }) => table), watermarks }, null, 2)}\n`,
      )
      await syncFolder(part)
      await rename(part, folder)
      await syncFolder(lake.snapshots)

      await writeCatalog(join(folder, 'catalog.duckdb.part'), catalogTables(folder, views))
      await settle(join(folder, 'catalog.duckdb.part'), join(folder, 'catalog.duckdb'))
      await record(database, number, run, now, tables)
      await pointCatalog(lake, number)
      return { snapshot: number, folder, tables }
    }),
  )
}

/** Makes the lake's catalog the newest snapshot's: what an interruption just after its recording left undone. */
export async function pointCatalog(lake: Lake, snapshot: number): Promise<void> {
  const aside = `${lake.catalog}.part`
  await copyFile(join(lake.snapshot(snapshot), 'catalog.duckdb'), aside)
  await settle(aside, lake.catalog)
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

async function writeTable(session: Session, select: string, folder: string): Promise<void> {
  await makeFolder(folder)
  const path = join(folder, '0.parquet')
  await session.run(`COPY (${select}) TO ${sqlText(`${path}.part`)} (FORMAT parquet, COMPRESSION zstd)`)
  await settle(`${path}.part`, path)
}

/** False where the old files are gone, are not what was published, or can't be linked: then the table is written anew. */
async function carryOver(
  session: Session,
  from: string,
  to: string,
  published: { readonly rows: number; readonly bytes: number },
): Promise<boolean> {
  try {
    const { rows, bytes } = await measure(session, from)
    if (rows !== published.rows || bytes !== published.bytes) return false
    await makeFolder(to)
    for (const name of await readdir(from)) await link(join(from, name), join(to, name))
    await syncFolder(to)
    return true
  } catch {
    await rm(to, { recursive: true, force: true })
    return false
  }
}

async function measure(session: Session, folder: string): Promise<{ rows: number; bytes: number }> {
  const counted = await session.first<{ rows: number }>(
    `SELECT sum(num_rows)::BIGINT AS rows FROM parquet_file_metadata(${sqlText(join(folder, '*.parquet'))})`,
  )
  let bytes = 0
  for (const name of await readdir(folder)) bytes += (await stat(join(folder, name))).size
  return { rows: counted?.rows ?? 0, bytes }
}

function catalogTables(folder: string, views: readonly View[]): CatalogTable[] {
  return [
    ...views.map((view) => ({
      schema: 'main',
      name: view.name,
      files: join(folder, view.name, '*.parquet'),
      description: view.description,
      columns: [...LINEAGE_COLUMNS, ...view.columns],
    })),
    ...LINEAGE_TABLES.map((table) => ({
      schema: 'stoker',
      name: table.name,
      files: join(folder, 'stoker', table.name, '*.parquet'),
      description: table.description,
      columns: [],
    })),
  ]
}

async function record(
  database: Database,
  number: number,
  run: number | undefined,
  now: Date,
  tables: readonly PublishedTable[],
): Promise<void> {
  await database.transaction(async (session) => {
    await session.run('INSERT INTO stoker.snapshot VALUES ($1, $2, $3::TIMESTAMPTZ)', [
      number,
      run ?? null,
      now.toISOString(),
    ])
    for (const table of tables) {
      await session.run('INSERT INTO stoker.snapshot_table VALUES ($1, $2, $3, $4, $5)', [
        number,
        table.name,
        table.changed,
        table.rows,
        table.bytes,
      ])
    }
  })
}

/** Publishing: all view tables as one immutable snapshot, and the catalog that readers open moved to it. */
import { version } from '@duckdb/node-api'
import { copyFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, settle, syncFolder, writeWhole } from '../../core/durable.ts'
import type { Database } from '../../store/database.ts'
import type { Session } from '../../store/session.ts'
import { writeCatalog, type CatalogTable } from './catalog.ts'
import type { Keeping } from '../keeping.ts'
import type { Lake } from '../lake.ts'
import { LINEAGE_TABLES } from './lineage-tables.ts'
import { manifestTable, type ManifestTable, type ManifestViewTable, type SnapshotManifest } from './manifest.ts'
import { fileMode, permitFolder, permitReaders } from './permissions.ts'
import { lastSnapshot, recordedTables, recordSnapshot, type RecordedTable } from './records.ts'
import { clearLeftovers, collectSnapshots } from './retention.ts'
import { carryAllOver, writeSmallTable, writeViewTable } from './table-files.ts'
import { tableColumns, viewTable, type View } from '../tables/view.ts'

interface PublishedTable {
  readonly name: string
  readonly rows: number
  readonly bytes: number
  /** Number of the view table's last change; equal in two snapshots: the same files. */
  readonly changed: number
  /** All of its files are those of the snapshot before. */
  readonly carriedOver: boolean
}

export interface Snapshot {
  readonly snapshot: number
  readonly folder: string
  readonly tables: readonly PublishedTable[]
  /** Numbers of old snapshots that went. */
  readonly removed: readonly number[]
}

interface PublishOptions {
  /** Without them nothing old goes. */
  readonly snapshots?: Keeping['snapshots'] | undefined
  readonly readers?: Keeping['readers'] | undefined
  readonly stokerVersion?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Publishes the view tables as they stand. What has not changed since the last snapshot is carried over by hard link, so
 * that every snapshot's folder is whole by itself and removing one never breaks another.
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
  options: PublishOptions = {},
): Promise<Snapshot> {
  const { readers = 'owner' } = options
  for (const folder of [lake.snapshots, lake.readers]) await makeFolder(folder)
  await clearLeftovers(database, lake, now)
  const published = await database.using((session) =>
    session.interruptible(options.signal, async () => {
      const previous = await lastSnapshot(session)
      const number = (previous ?? 0) + 1
      const folder = lake.snapshot(number)
      const part = `${folder}.part`
      await rm(folder, { recursive: true, force: true })
      await makeFolder(part)
      const before = previous === undefined ? undefined : lake.snapshot(previous)
      const held = previous === undefined ? new Map<string, RecordedTable>() : await recordedTables(session, previous)
      const tables = await writeTables(session, views, part, before, held)
      const lineage: ManifestTable[] = []
      for (const { name, sql } of LINEAGE_TABLES) {
        const file = await writeSmallTable(session, sql, join(part, 'stoker', name))
        lineage.push(manifestTable(name, `stoker/${name}`, [file]))
      }
      const manifest: SnapshotManifest = {
        snapshot: number,
        run: run ?? null,
        published_at: now,
        previous: previous ?? null,
        stoker_version: options.stokerVersion ?? 'unknown',
        duckdb_version: version(),
        tables: tables.map((table) => table.entry),
        lineage,
        watermarks: await session.rows('SELECT * FROM stoker.watermark ORDER BY source, type, filter'),
      }
      await writeWhole(join(part, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
      await permitFolder(part, readers)
      await syncFolder(part)
      await rename(part, folder)
      await syncFolder(lake.snapshots)

      await writeCatalog(join(folder, 'catalog.duckdb.part'), catalogTables(folder, views))
      await settle(join(folder, 'catalog.duckdb.part'), join(folder, 'catalog.duckdb'), fileMode(readers))
      const recorded = tables.map(({ table, files }) => ({ ...table, files }))
      await recordSnapshot(database, number, run, now, recorded)
      return { snapshot: number, folder, tables: tables.map(({ table }) => table) }
    }),
  )
  return { ...published, removed: await finishPublishing(database, lake, published.snapshot, now, options) }
}

/**
 * What comes after a snapshot's recording, and is done again where it was interrupted: the lake's catalog becomes the newest
 * snapshot's, and old ones go. @returns the numbers of those that went
 */
export async function finishPublishing(
  database: Database,
  lake: Lake,
  newest: number,
  now: Date,
  { snapshots, readers = 'owner' }: Pick<PublishOptions, 'snapshots' | 'readers'>,
): Promise<readonly number[]> {
  await permitReaders(lake, readers)
  await pointCatalog(lake, newest, readers)
  return snapshots === undefined ? [] : collectSnapshots(database, lake, snapshots, now)
}

/** Makes the lake's catalog the newest snapshot's. */
async function pointCatalog(lake: Lake, snapshot: number, readers: Keeping['readers']): Promise<void> {
  const aside = `${lake.catalog}.part`
  await copyFile(join(lake.snapshot(snapshot), 'catalog.duckdb'), aside)
  await settle(aside, lake.catalog, fileMode(readers))
}

interface WrittenTable {
  readonly table: PublishedTable
  readonly files: RecordedTable['files']
  readonly entry: ManifestViewTable
}

async function writeTables(
  session: Session,
  views: readonly View[],
  part: string,
  before: string | undefined,
  held: ReadonlyMap<string, RecordedTable>,
): Promise<WrittenTable[]> {
  const state = await session.rows<{ name: string; changed: number }>('SELECT name, changed FROM stoker.view_table')
  const changes = new Map(state.map((table) => [table.name, table.changed]))
  const written: WrittenTable[] = []
  for (const view of views) {
    const { name, resource, description, hash } = view
    const changed = changes.get(name)!
    const old = held.get(name)
    const published = before === undefined || old === undefined ? undefined : { folder: join(before, name), ...old }
    const to = join(part, name)
    const same = published?.changed === changed ? await carryAllOver(session, published, to) : undefined
    const { files, carriedOver } =
      same === undefined
        ? await writeViewTable(session, view, viewTable(name), to, published)
        : { files: same, carriedOver: same.length }
    const isSame = carriedOver === files.length && carriedOver === published?.files.length
    const facts = manifestTable(name, name, files)
    written.push({
      table: { name, changed, rows: facts.rows, bytes: facts.bytes, carriedOver: isSame },
      files,
      entry: { ...facts, resource, description, view_hash: hash, columns: tableColumns(view), changed: !isSame },
    })
  }
  return written
}

function catalogTables(folder: string, views: readonly View[]): CatalogTable[] {
  return [
    ...views.map((view) => ({
      schema: 'main',
      name: view.name,
      files: join(folder, view.name, '*.parquet'),
      description: view.description,
      columns: tableColumns(view),
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

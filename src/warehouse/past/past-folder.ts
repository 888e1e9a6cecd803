/** Past tables in a folder of their own: Parquet, a manifest and a catalog. The folder appears whole. */
import { version } from '@duckdb/node-api'
import { access, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { makeFolder, settle, syncFolder, writeWhole } from '../../core/durable.ts'
import { StokerError } from '../../core/errors.ts'
import type { Session } from '../../store/session.ts'
import { writeCatalog, type CatalogTable } from '../snapshot/catalog.ts'
import type { PastView } from '../tables/definitions.ts'
import type { Lake } from '../lake.ts'
import { makePastTable, type PastCommit } from './past.ts'
import { manifestTable, type ManifestTable } from '../snapshot/manifest.ts'
import { writeViewTable } from '../snapshot/table-files.ts'
import { tableColumns } from '../tables/view.ts'

export interface PastFolder {
  readonly folder: string
  readonly commit: PastCommit
  readonly tables: readonly ManifestTable[]
}

export interface PastFolderOptions {
  readonly folder: string
  readonly stokerVersion: string
  readonly onTable?: ((name: string) => void) | undefined
}

/**
 * Writes `TABLE/…parquet` as a snapshot has them: the same rows in the same bytes. Nothing in it depends on when or where
 * it was made, save the catalog, which names the files by their absolute paths.
 * @throws StokerError USAGE_FOLDER when there is something in the place of the folder
 */
export async function writePast(
  session: Session,
  lake: Lake,
  views: readonly PastView[],
  commit: PastCommit,
  { folder, stokerVersion, onTable }: PastFolderOptions,
): Promise<PastFolder> {
  if (await exists(folder)) {
    throw new StokerError('USAGE_FOLDER', `there is something at ${basename(folder)} already`, {
      hint: 'name a folder that does not exist: nothing is written over',
    })
  }
  const part = `${folder}.part`
  await rm(part, { recursive: true, force: true })
  try {
    const tables = await writeTables(session, lake, views, commit, { folder: part, stokerVersion, onTable })
    const catalog = join(part, 'catalog.duckdb')
    const mount = { lake: part, at: resolve(folder) }
    await writeCatalog(
      `${catalog}.part`,
      views.map((view) => catalogTable(view, part)),
      mount,
    )
    await settle(`${catalog}.part`, catalog)
    await syncFolder(part)
    await rename(part, folder)
    await syncFolder(dirname(folder))
    return { folder, commit, tables }
  } catch (error) {
    await rm(part, { recursive: true, force: true })
    throw error
  }
}

async function writeTables(
  session: Session,
  lake: Lake,
  views: readonly PastView[],
  commit: PastCommit,
  { folder, stokerVersion, onTable }: PastFolderOptions,
): Promise<ManifestTable[]> {
  await makeFolder(folder)
  const tables: ManifestTable[] = []
  for (const view of views) {
    onTable?.(view.name)
    await makePastTable(session, lake, view, commit)
    const { files } = await writeViewTable(session, view, 'temp._past', join(folder, view.name))
    const { name, resource, hash, description } = view
    tables.push({
      ...manifestTable(name, name, files),
      ...{ resource, description, view_hash: hash, columns: tableColumns(view) },
    })
  }
  await session.run('DROP TABLE IF EXISTS temp._past')
  const { run, source, committedAt, purgesSince } = commit
  const as_of = { run, source, committed_at: committedAt, purges_since: purgesSince }
  const manifest = { as_of, stoker_version: stokerVersion, duckdb_version: version(), tables }
  await writeWhole(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  return tables
}

function catalogTable(view: PastView, folder: string): CatalogTable {
  const { name, description } = view
  return { schema: 'main', name, files: join(folder, name, '*.parquet'), description, columns: tableColumns(view) }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

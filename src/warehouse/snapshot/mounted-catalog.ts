/** A catalog for readers who see the lake at another place: another mount point, another machine, an object store. */
import { mkdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { settle } from '../../core/durable.ts'
import { writeCatalog } from './catalog.ts'
import type { Lake } from '../lake.ts'
import { withSnapshot } from './opening.ts'
import type { SnapshotManifest } from './manifest.ts'

interface MountedCatalog {
  readonly snapshot: number
  readonly tables: number
}

/** It names tables, columns and files, and holds no rows: readers are who it is for. */
const CATALOG_MODE = 0o644

/**
 * Writes a catalog of a snapshot whose views look for `AT/snapshots/NNNNNN/TABLE/FILE.parquet`. Each file is named: not every
 * place can list a folder. What is at `out` is replaced, as a whole.
 * @param at without a slash at its end
 * @param snapshot its number; undefined: the newest
 */
export async function writeMountedCatalog(
  lake: Lake,
  { at, out, snapshot }: { readonly at: string; readonly out: string; readonly snapshot?: number | undefined },
): Promise<MountedCatalog> {
  return withSnapshot(lake, snapshot, async ({ number, folder, tables }, lease) => {
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8')) as SnapshotManifest
    const files = new Map(
      [
        ...manifest.tables.map((table) => ['main', table] as const),
        ...manifest.lineage.map((table) => ['stoker', table] as const),
      ].map(([schema, table]) => [`${schema}.${table.name}`, table.files.map((file) => join(folder, file.path))]),
    )
    const named = tables.map((table) => ({
      ...table,
      files: files.get(`${table.schema}.${table.name}`) ?? table.files,
    }))
    const aside = `${out}.part`
    try {
      await mkdir(dirname(out), { recursive: true })
      await writeCatalog(aside, named, { lake: lake.root, at })
      await settle(aside, out, CATALOG_MODE)
    } finally {
      await rm(aside, { force: true })
      await lease?.release()
    }
    return { snapshot: number, tables: named.length }
  })
}

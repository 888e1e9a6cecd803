/** A snapshot's manifest: what it holds, file by file; `schemas/snapshot-manifest.schema.json` is its contract. */
import type { ViewColumn } from '../tables/view.ts'
import type { TableFile } from './table-files.ts'

export interface ManifestFile {
  /** Relative to the snapshot's folder, with `/`. */
  readonly path: string
  readonly rows: number
  readonly bytes: number
  readonly sha256: string
}

export interface ManifestTable {
  readonly name: string
  readonly rows: number
  readonly bytes: number
  readonly files: readonly ManifestFile[]
}

export interface ManifestViewTable extends ManifestTable {
  readonly resource: string
  readonly description?: string | undefined
  /** Of the definition its rows are made by. */
  readonly view_hash: string
  readonly columns: readonly ViewColumn[]
  /** False: its files are those of the snapshot before. */
  readonly changed: boolean
}

export interface SnapshotManifest {
  readonly snapshot: number
  /** The run whose commit it shows first; null when it was not published by a run. */
  readonly run: number | null
  readonly published_at: Date
  /** The snapshot before it, be it there or not. */
  readonly previous: number | null
  readonly stoker_version: string
  readonly duckdb_version: string
  readonly tables: readonly ManifestViewTable[]
  /** Tables of the schema `stoker`. */
  readonly lineage: readonly ManifestTable[]
  readonly watermarks: readonly object[]
}

export function manifestTable(name: string, folder: string, files: readonly TableFile[]): ManifestTable {
  return {
    name,
    rows: files.reduce((sum, file) => sum + file.rows, 0),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    files: files.map(({ file, rows, bytes, sha256 }) => ({ path: `${folder}/${file}`, rows, bytes, sha256 })),
  }
}

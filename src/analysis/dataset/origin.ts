/** Where a data set's rows come from: a snapshot, or the tables of a past run, held for as long as it is built. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StokerError } from '../../core/errors.ts'
import type { CatalogTable } from '../../warehouse/snapshot/catalog.ts'
import type { Lake } from '../../warehouse/lake.ts'
import type { ManifestViewTable, SnapshotManifest } from '../../warehouse/snapshot/manifest.ts'
import { withSnapshot } from '../../warehouse/snapshot/opening.ts'
import type { DatasetOrigin } from './definition.ts'
import { makePastTables, type PastOptions } from './past-tables.ts'
import { publishedPast } from './published-past.ts'

export interface OpenOrigin {
  readonly facts: OriginFacts
  /** Absolute: all that is read lies in it. */
  readonly folder: string
  readonly tables: readonly CatalogTable[]
  /** What the manifest says of them, by name. */
  readonly manifest: ReadonlyMap<string, OriginTable>
  readonly watermarks: readonly OriginWatermark[] | undefined
  release(): Promise<void>
}

export type OriginTable = Pick<ManifestViewTable, 'name' | 'resource' | 'view_hash' | 'rows' | 'files'>

export interface OriginWatermark {
  readonly source: string
  readonly type: string
  readonly transaction_time: string
}

/** As the card has it. Times are those of the lake, not of patients. */
export type OriginFacts =
  | {
      readonly kind: 'snapshot'
      readonly snapshot: number
      readonly run: number | null
      readonly published_at: string
      readonly manifest_sha256: string
      readonly stoker_version: string
      readonly duckdb_version: string
    }
  | {
      readonly kind: 'as-of'
      readonly run: number
      readonly source: string
      readonly committed_at: string
      /** Of a folder that was named; null where the tables were made for this, or read as the run published them. */
      readonly manifest_sha256: string | null
      readonly stoker_version: string
      readonly duckdb_version: string
    }

/** A JSON file that `stoker rebuild --as-of` wrote. */
interface PastManifest extends Pick<SnapshotManifest, 'stoker_version' | 'duckdb_version' | 'tables'> {
  readonly as_of: { readonly run: number; readonly source: string; readonly committed_at: string }
}

/**
 * @param lake undefined where none is there, which a folder does without
 * @param past what is needed where past tables have to be made first
 * @throws StokerError QUERY_NO_SNAPSHOT, DATASET_FOLDER, and what `stoker rebuild --as-of` says
 */
export async function openOrigin(origin: DatasetOrigin, lake: Lake, past: PastOptions): Promise<OpenOrigin> {
  switch (origin.kind) {
    case 'snapshot':
      return withSnapshot(lake, origin.snapshot, async ({ folder, tables }, lease) => {
        const { text, sha256 } = await readManifest(folder)
        const manifest = JSON.parse(text) as SnapshotManifest
        const { snapshot, run, stoker_version, duckdb_version } = manifest
        const published_at = String(manifest.published_at)
        const versions = { manifest_sha256: sha256, stoker_version, duckdb_version }
        return {
          facts: { kind: 'snapshot' as const, snapshot, run, published_at, ...versions },
          folder,
          tables,
          manifest: byName(manifest.tables),
          watermarks: (manifest.watermarks as readonly OriginWatermark[]).map(withoutFilter),
          release: async () => lease?.release(),
        }
      })
    case 'as-of':
      return openPast(origin.when, lake, past)
    case 'folder':
      return openPastFolder(origin.folder)
  }
}

/** A filter names servers and Groups, which are nobody's business who gets the data set. */
function withoutFilter({ source, type, transaction_time }: OriginWatermark): OriginWatermark {
  return { source, type, transaction_time }
}

/** Beside a worker, which has the database for itself, the tables that the run published will do. */
async function openPast(when: string, lake: Lake, past: PastOptions): Promise<OpenOrigin> {
  try {
    const made = await openPastFolder(await makePastTables(lake, when, past))
    return { ...made, facts: { ...made.facts, manifest_sha256: null } as OriginFacts }
  } catch (error) {
    if (!(error instanceof StokerError) || error.code !== 'STORE_LOCKED') throw error
    const { snapshot, ...commit } = await publishedPast(lake, when, past.memoryLimitBytes, error)
    return withSnapshot(lake, snapshot, async ({ folder, tables }, lease) => {
      const manifest = JSON.parse((await readManifest(folder)).text) as SnapshotManifest
      const { stoker_version, duckdb_version } = manifest
      return {
        facts: { kind: 'as-of' as const, ...commit, manifest_sha256: null, stoker_version, duckdb_version },
        folder,
        tables: tables.filter(({ schema }) => schema === 'main'),
        manifest: byName(manifest.tables),
        watermarks: undefined,
        release: async () => lease?.release(),
      }
    })
  }
}

async function openPastFolder(folder: string): Promise<OpenOrigin> {
  const { text, sha256 } = await readManifest(folder).catch((cause: unknown) => {
    throw new StokerError('DATASET_FOLDER', `${folder} has no manifest of past tables`, {
      hint: 'name a folder that stoker rebuild --as-of wrote',
      cause,
    })
  })
  const manifest = JSON.parse(text) as PastManifest
  if (manifest.as_of === undefined) {
    throw new StokerError('DATASET_FOLDER', `${folder} is no folder of past tables`, {
      hint: 'name a folder that stoker rebuild --as-of wrote; for a snapshot, give its number',
    })
  }
  const { run, source, committed_at } = manifest.as_of
  const { stoker_version, duckdb_version } = manifest
  return {
    facts: { kind: 'as-of', run, source, committed_at, manifest_sha256: sha256, stoker_version, duckdb_version },
    folder,
    // Its catalog says where they were when they were made; they may have been moved since.
    tables: manifest.tables.map(({ name, columns }) => ({
      ...{ schema: 'main', name, columns, files: join(folder, name, '*.parquet') },
    })),
    manifest: byName(manifest.tables),
    watermarks: undefined,
    release: () => Promise.resolve(),
  }
}

async function readManifest(folder: string): Promise<{ text: string; sha256: string }> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8')
  return { text, sha256: createHash('sha256').update(text).digest('hex') }
}

function byName(tables: readonly OriginTable[]): ReadonlyMap<string, OriginTable> {
  return new Map(tables.map((table) => [table.name, table]))
}

export interface DataUntil {
  /** `$data_until`: the earliest watermark of the types that are read, or what was asked for in its place. */
  readonly all: Date
  /** Up to when a source's rows of these types are complete. */
  readonly sources: ReadonlyMap<string, Date>
  /** The same of a source that is not among them. */
  readonly otherwise: Date
}

/**
 * Up to when the tables that are read are complete: of a snapshot, its watermarks; of past tables, the commit.
 * @param asked what `$data_until` shall be instead
 */
export function dataUntil(
  { facts, manifest, watermarks }: OpenOrigin,
  read: readonly string[],
  asked?: Date,
): DataUntil {
  const types = new Set(read.map((name) => manifest.get(name)?.resource))
  const sources = new Map<string, Date>()
  for (const { source, type, transaction_time } of watermarks ?? []) {
    const time = new Date(transaction_time)
    const before = sources.get(source)
    if (types.has(type) && (before === undefined || time < before)) sources.set(source, time)
  }
  const stood = new Date(facts.kind === 'snapshot' ? facts.published_at : facts.committed_at)
  const earliest = Math.min(...[...sources.values()].map((each) => each.getTime()))
  const otherwise = Number.isFinite(earliest) ? new Date(earliest) : stood
  return { all: asked ?? otherwise, sources, otherwise }
}

/** Building a data set: from its definition to a folder of files with a card. */
import { join } from 'node:path'
import { writeWhole } from '../../core/durable.ts'
import { StokerError } from '../../core/errors.ts'
import { sqlName, sqlText } from '../../core/sql.ts'
import type { Lake } from '../../warehouse/lake.ts'
import { WITH_DELETED } from '../../warehouse/snapshot/living.ts'
import { datasetCard, type CardRuns, type DatasetCard } from './card.ts'
import { cardText } from './card-text.ts'
import { keepLabelled, makeCohort } from './cohort-table.ts'
import { withWorkFolder, type WorkFolder } from './dataset-folder.ts'
import { SPLITS, type DatasetDefinition } from './definition.ts'
import { refuseDisclosure, type ReadTable } from './disclosure.ts'
import { makeEvents } from './event-table.ts'
import { writeFiles, type DatasetFile } from './files.ts'
import { makeLabel } from './label-table.ts'
import { countOf, refuseLeak } from './offence.ts'
import { prepare, type Preparation } from './preparation.ts'
import { makeRows, offenceOf } from './row-table.ts'
import { memoryError, Sandbox } from './sandbox.ts'
import { mapSplits, statisticsOf } from './statistics.ts'
import { alignFeature, featureTable, makePersons, splitRowsSql } from './wide-table.ts'

export interface BuildOptions {
  /** Absolute; it must not exist. */
  readonly folder: string
  /** Not looked at where the tables lie in a folder of their own. */
  readonly lake: Lake
  readonly memoryLimitBytes: number
  /** `$data_until`, in place of what the tables say. */
  readonly dataUntil?: Date | undefined
  readonly stokerVersion: string
  readonly signal?: AbortSignal | undefined
  readonly onStep?: ((what: string) => void) | undefined
}

/**
 * Writes `{train,validation,test}.{parquet,arrow}`, `card.json` and `card.md`: the same bytes for the same definition, tables,
 * key and versions. No row passes through this process's heap, save those on their way to an Arrow file, in batches.
 * @throws DatasetError for what is wrong with the definition, a value that nobody could know at the index date among it;
 * StokerError USAGE_FOLDER, QUERY_NO_SNAPSHOT, DATASET_SQL, DATASET_MEMORY
 */
export async function buildDataset(definition: DatasetDefinition, options: BuildOptions): Promise<DatasetCard> {
  const { folder, memoryLimitBytes, signal } = options
  return withWorkFolder(folder, async (place) => {
    const sandbox = await Sandbox.open({ memoryLimitBytes, spill: place.spill, signal })
    try {
      return await sandbox.session.interruptible(signal, () => build(sandbox, definition, options, place))
    } catch (error) {
      throw error instanceof StokerError && error.code === 'STORE_MEMORY' ? memoryError(error) : error
    } finally {
      sandbox.close()
    }
  })
}

async function build(
  sandbox: Sandbox,
  definition: DatasetDefinition,
  options: BuildOptions,
  place: WorkFolder,
): Promise<DatasetCard> {
  const onStep = options.onStep ?? (() => undefined)
  const ready = await prepare(sandbox, definition, { ...options, past: place.past, output: place.files })
  try {
    const { bound, origin, tables, until, parameters } = ready
    const { facts } = origin
    onStep(
      facts.kind === 'snapshot' ? `over snapshot ${facts.snapshot}` : `over the tables as run ${facts.run} left them`,
    )
    const cohort = await makeCohort(sandbox, bound.cohort, parameters)
    onStep(`cohort: ${countOf(cohort.rows, 'row')} of ${countOf(cohort.patients, 'patient')}`)
    await makeLabel(sandbox, bound, parameters, until)
    const withoutLabel = await keepLabelled(sandbox)
    onStep(
      `label: ${countOf(cohort.rows - withoutLabel, 'row')} with one, ${countOf(withoutLabel, 'row')} without, left out`,
    )
    await makeFeatures(sandbox, ready, onStep)
    // From here on nothing of the analyst's SQL runs any more: now the key may be in the room.
    await makePersons(sandbox, definition.split, definition.privacy)
    await refuseDisclosure(sandbox, bound, definition.privacy, await readTables(sandbox, tables), resourceTypes(ready))
    const files: DatasetFile[] = []
    for (const split of SPLITS) {
      onStep(`writing ${split}`)
      files.push(...(await writeFiles(sandbox, splitRowsSql(bound, definition.privacy, split), place.files, split)))
    }
    const paths = mapSplits((split) => join(place.files, `${split}.parquet`))
    const statistics = await statisticsOf(sandbox, bound.columns, paths)
    const runs = await runsOf(sandbox, ready)
    const { version } = (await sandbox.session.first<{ version: string }>('SELECT version() AS version'))!
    const made = {
      definition,
      bound,
      origin,
      runs,
      tables,
      dataUntil: until.all,
      cohort,
      withoutLabel,
      statistics,
      files,
    }
    const card = datasetCard({ ...made, stokerVersion: options.stokerVersion, duckdbVersion: version })
    await writeWhole(join(place.files, 'card.json'), `${JSON.stringify(card, null, 2)}\n`)
    await writeWhole(join(place.files, 'card.md'), cardText(card))
    return card
  } finally {
    await ready.origin.release()
  }
}

async function makeFeatures(
  sandbox: Sandbox,
  { bound, parameters }: Preparation,
  onStep: (what: string) => void,
): Promise<void> {
  for (const [i, { feature, read, roles }] of bound.features.entries()) {
    onStep(`feature ${i + 1} of ${bound.features.length}: ${feature.name}`)
    const name = featureTable(i)
    if (roles.kind === 'events') {
      const table = { name, feature, bound: { read, roles }, cohortIndex: bound.cohort.roles.index }
      await makeEvents(sandbox, table, parameters)
    } else {
      const table = { name, what: `feature ${feature.name}`, bound: { read, roles } }
      await makeRows(sandbox, table, parameters)
      const leak = await offenceOf(sandbox, table, 'after')
      if (leak.values > 0) refuseLeak(feature, leak)
    }
    await alignFeature(sandbox, bound, i)
  }
}

async function readTables({ session }: Sandbox, names: readonly string[]): Promise<ReadTable[]> {
  const found = await session.rows<{ name: string; columns: string }>(
    `SELECT table_name AS name, json_group_array(column_name)::VARCHAR AS columns FROM duckdb_columns()
     WHERE schema_name = 'main' AND database_name = 'memory' AND NOT internal GROUP BY table_name ORDER BY table_name`,
  )
  return found
    .filter(({ name }) => names.includes(name))
    .map(({ name, columns }) => ({
      relation: `${WITH_DELETED}.${sqlName(name)}`,
      columns: JSON.parse(columns) as string[],
    }))
}

function resourceTypes({ origin }: Preparation): string[] {
  const types = new Set(['Patient', ...[...origin.manifest.values()].map(({ resource }) => resource)])
  return [...types].sort()
}

/** Lineage tables have no rows of runs. */
async function runsOf({ session }: Sandbox, { origin, tables }: Preparation): Promise<CardRuns[]> {
  const rows = tables
    .filter((name) => origin.manifest.has(name))
    .map((name) => `SELECT DISTINCT _source AS source, _run AS run FROM ${WITH_DELETED}.${sqlName(name)}`)
  if (rows.length === 0) return []
  return session.rows<CardRuns>(
    `SELECT source, count(DISTINCT run) AS runs, min(run) AS first_run, max(run) AS last_run
     FROM (${rows.join(' UNION ALL ')}) WHERE source <> ${sqlText('')} GROUP BY source ORDER BY source`,
  )
}

/**
 * What one would type to load a folder of Observations: raw log, flat tables, Parquet, one after the other. And the two
 * views whose tables these are.
 *
 *     node test/bench/load-by-hand.js NDJSON-FOLDER FOLDER MEMORY-LIMIT THREADS
 */
import { DuckDBInstance } from '@duckdb/node-api'
import { join } from 'node:path'
import { column, OBSERVATION, READ } from './views-by-hand.js'

/** One row per category coding: a second table of the type, with two levels of `forEach`. */
const CATEGORY = {
  view: {
    name: 'observation_category',
    resource: 'Observation',
    select: [
      { column: [column('id', 'id'), column('patient_key', 'subject.getReferenceKey(Patient)')] },
      {
        forEach: 'category',
        select: [
          {
            forEach: 'coding',
            column: [column('code', 'code'), column('system', 'system'), column('display', 'display')],
          },
        ],
      },
    ],
  },
  byHand: (from) => `
    SELECT id, patient_key, c.code AS code, c.system AS system, c.display AS display
    FROM (SELECT id, patient_key, unnest(category.coding) AS c
      FROM (SELECT r.id AS id, CASE WHEN starts_with(r.subject.reference, 'Patient/') THEN r.subject.reference END AS patient_key,
        unnest(r.category) AS category
        FROM (SELECT ${READ}'{"resourceType":"VARCHAR","id":"VARCHAR","subject":{"reference":"VARCHAR"},
          "category":[{"coding":[{"code":"VARCHAR","system":"VARCHAR","display":"VARCHAR"}]}]}') END AS r FROM ${from})
        WHERE r."resourceType" = 'Observation'))`,
}

export const SUBJECTS = [OBSERVATION, CATEGORY]

if (process.argv[1] === import.meta.filename) await load(...process.argv.slice(2))

async function load(ndjson, folder, memoryLimit, threads) {
  const settings = { memory_limit: memoryLimit, threads, temp_directory: join(folder, 'temp') }
  const instance = await DuckDBInstance.create(join(folder, 'by-hand.duckdb'), settings)
  const connection = await instance.connect()
  const raw = join(folder, 'raw.parquet')
  // Without it DuckDB runs out of its memory at some gigabytes, and says itself to do so.
  await connection.run(`SET TimeZone = 'UTC'; SET preserve_insertion_order = false`)
  await connection.run(`
    COPY (SELECT r.id AS id, TRY_CAST(r.meta."lastUpdated" AS TIMESTAMPTZ) AS last_updated, json
      FROM (SELECT json, ${READ}'{"id":"VARCHAR","meta":{"lastUpdated":"VARCHAR"}}') END AS r
        FROM read_ndjson_objects('${join(ndjson, '*.ndjson')}')))
    TO '${raw}' (FORMAT parquet, COMPRESSION zstd)`)
  for (const { view, byHand } of SUBJECTS) {
    await connection.run(`CREATE TABLE ${view.name} AS ${byHand(`read_parquet('${raw}')`)}`)
  }
  for (const { view } of SUBJECTS) {
    const path = join(folder, `${view.name}.parquet`)
    await connection.run(`COPY ${view.name} TO '${path}' (FORMAT parquet, COMPRESSION zstd)`)
  }
  connection.closeSync()
  instance.closeSync()
}

/** The view tables of a catalog as digests: equal where every row is, whatever run brought it. */
import { createHash } from 'node:crypto'
import type { Scenario } from './harness.ts'

type Readable = Pick<Scenario, 'catalog' | 'read'>

/** Every row of every view table, without the columns that tell runs apart, as one digest a table. */
export async function tableDigests(of: Readable, catalog = of.catalog): Promise<Record<string, string>> {
  const tables = await of.read(
    `SELECT view_name AS name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal ORDER BY 1`,
    catalog,
  )
  const all: Record<string, string> = {}
  for (const { name } of tables) {
    const rows = await of.read(`SELECT * EXCLUDE (_run, _file, _line) FROM "${String(name)}" ORDER BY ALL`, catalog)
    all[String(name)] = createHash('sha256').update(JSON.stringify(rows)).digest('hex')
  }
  return all
}

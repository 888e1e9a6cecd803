/** The view tables of a catalog as digests: equal where every row is, whatever run brought it. */
import { createHash } from 'node:crypto'
import { lookInto } from './harness.ts'

/** Every row of every view table, without the columns that tell runs apart, as one digest a table. */
export function tableDigests(of: { readonly catalog: string }, catalog = of.catalog): Promise<Record<string, string>> {
  return lookInto(catalog, async (rowsOf) => {
    const tables = await rowsOf(
      `SELECT view_name AS name FROM duckdb_views() WHERE schema_name = 'main' AND NOT internal ORDER BY 1`,
    )
    const all: Record<string, string> = {}
    for (const { name } of tables) {
      const rows = await rowsOf(`SELECT * EXCLUDE (_run, _file, _line) FROM "${String(name)}" ORDER BY ALL`)
      all[String(name)] = createHash('sha256').update(JSON.stringify(rows)).digest('hex')
    }
    return all
  })
}

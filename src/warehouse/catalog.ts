/** The catalog: a small DuckDB file of views over a snapshot's Parquet, for any number of readers. */
import { DuckDBInstance } from '@duckdb/node-api'
import { rm } from 'node:fs/promises'
import { sqlName, sqlText } from '../core/sql.ts'

export interface CatalogTable {
  /** `main` for view tables, `stoker` for lineage. */
  readonly schema: string
  readonly name: string
  /** Absolute pattern of its Parquet files: a reader's working directory must not matter. */
  readonly files: string
  readonly description?: string | undefined
  readonly columns: readonly { readonly name: string; readonly description?: string | undefined }[]
}

/** Writes the catalog file at `path`, which is not yet its final name. The Parquet files must lie where it names them. */
export async function writeCatalog(path: string, tables: readonly CatalogTable[]): Promise<void> {
  await rm(path, { force: true })
  const instance = await DuckDBInstance.create(path, { autoinstall_known_extensions: 'false' })
  try {
    const connection = await instance.connect()
    await connection.run('CREATE SCHEMA IF NOT EXISTS stoker')
    for (const table of tables) {
      const name = `${sqlName(table.schema)}.${sqlName(table.name)}`
      await connection.run(`CREATE VIEW ${name} AS SELECT * FROM read_parquet(${sqlText(table.files)})`)
      if (table.description !== undefined)
        await connection.run(`COMMENT ON VIEW ${name} IS ${sqlText(table.description)}`)
      for (const column of table.columns) {
        if (column.description === undefined) continue
        await connection.run(`COMMENT ON COLUMN ${name}.${sqlName(column.name)} IS ${sqlText(column.description)}`)
      }
    }
    await connection.run('CHECKPOINT')
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
}

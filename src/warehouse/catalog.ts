/** The catalog: a small DuckDB file of views over a snapshot's Parquet, for any number of readers. */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
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
    await defineTables(connection, tables)
    await connection.run('CHECKPOINT')
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
}

/** Makes the views, with their descriptions, in the connection's own database. */
export async function defineTables(connection: DuckDBConnection, tables: readonly CatalogTable[]): Promise<void> {
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
}

/** What {@link writeCatalog} wrote, wherever its Parquet files have gone since. */
export async function readCatalog(path: string): Promise<CatalogTable[]> {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' })
  try {
    const connection = await instance.connect()
    const rows = await connection.runAndReadAll(`
      SELECT v.schema_name AS schema, v.view_name AS name, v.comment AS description, v.sql,
        c.columns, c.descriptions
      FROM duckdb_views() AS v LEFT JOIN (
        SELECT schema_name, table_name, list(column_name) AS columns, list(comment) AS descriptions
        FROM duckdb_columns() WHERE comment IS NOT NULL GROUP BY ALL) AS c
        ON c.schema_name = v.schema_name AND c.table_name = v.view_name
      WHERE NOT v.internal ORDER BY ALL`)
    connection.closeSync()
    return rows.getRowObjectsJson().map((row) => {
      const { schema, name, description, sql, columns, descriptions } = row as unknown as CatalogRow
      return {
        schema,
        name,
        files: /read_parquet\('((?:[^']|'')*)'\)/.exec(sql)![1]!.replaceAll("''", "'"),
        description: description ?? undefined,
        columns: (columns ?? []).map((column, i) => ({ name: column, description: descriptions![i] })),
      }
    })
  } finally {
    instance.closeSync()
  }
}

interface CatalogRow {
  readonly schema: string
  readonly name: string
  readonly description: string | null
  readonly sql: string
  readonly columns: readonly string[] | null
  readonly descriptions: readonly string[] | null
}

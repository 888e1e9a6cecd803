/** The catalog: a small DuckDB file of views over a snapshot's Parquet, for any number of readers. */
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'
import { rm } from 'node:fs/promises'
import { StokerError } from '../../core/errors.ts'
import { sqlName, sqlText } from '../../core/sql.ts'

export interface CatalogTable {
  /** `main` for view tables, `stoker` for lineage; `with_deleted`: see living.ts. */
  readonly schema: string
  readonly name: string
  /** A pattern of its Parquet files, or each of them. Absolute: a reader's working directory must not matter. */
  readonly files: string | readonly string[]
  /** A condition; without one, all rows. */
  readonly where?: string | undefined
  readonly description?: string | undefined
  readonly columns: readonly { readonly name: string; readonly description?: string | undefined }[]
}

/** Where the lake is, and where its readers will see it. */
interface Mount {
  readonly lake: string
  readonly at: string
}

/**
 * Writes the catalog file at `path`, which is not yet its final name. The Parquet files must lie where it names them; with
 * a `mount`, under `mount.lake`, and the catalog will look for them under `mount.at`.
 */
export async function writeCatalog(path: string, tables: readonly CatalogTable[], mount?: Mount): Promise<void> {
  await rm(path, { force: true })
  const instance = await DuckDBInstance.create(path, { autoinstall_known_extensions: 'false' })
  try {
    const connection = await instance.connect()
    await defineTables(connection, tables, mount)
    await connection.run('CHECKPOINT')
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
}

/** A reader's variable of this name stands before the path that the catalog was written for. */
const MOUNT_VARIABLE = 'stoker_lake'

/** Makes the views, with their descriptions, in the connection's own database. */
export async function defineTables(
  connection: DuckDBConnection,
  tables: readonly CatalogTable[],
  mount?: Mount,
): Promise<void> {
  // DuckDB looks at the files of a view when it is made; what the variable says is theirs only here and now.
  if (mount !== undefined) await connection.run(`SET VARIABLE ${MOUNT_VARIABLE} = ${sqlText(mount.lake)}`)
  // A thousand comments, one by one and each committed for itself, took three times as long.
  await connection.run('BEGIN TRANSACTION')
  for (const schema of new Set(['stoker', ...tables.map((table) => table.schema)]))
    await connection.run(`CREATE SCHEMA IF NOT EXISTS ${sqlName(schema)}`)
  for (const table of tables) await connection.run(definition(table, mount).join(';\n'))
  await connection.run('COMMIT')
}

function definition(
  { schema, name, files, where, description, columns }: CatalogTable,
  mount: Mount | undefined,
): string[] {
  const view = `${sqlName(schema)}.${sqlName(name)}`
  const described = columns.filter((column) => column.description !== undefined)
  const only = where === undefined ? '' : ` WHERE ${where}`
  return [
    `CREATE VIEW ${view} AS SELECT * FROM read_parquet(${filesText(files, mount)})${only}`,
    ...(description === undefined ? [] : [`COMMENT ON VIEW ${view} IS ${sqlText(description)}`]),
    ...described.map(
      (column) => `COMMENT ON COLUMN ${view}.${sqlName(column.name)} IS ${sqlText(column.description!)}`,
    ),
  ]
}

function filesText(files: CatalogTable['files'], mount: Mount | undefined): string {
  if (typeof files !== 'string') return `[${files.map((file) => filesText(file, mount)).join(', ')}]`
  return mount === undefined ? sqlText(files) : mounted(files, mount)
}

function mounted(file: string, { lake, at }: Mount): string {
  const relative = file.slice(lake.length).replaceAll('\\', '/')
  return `coalesce(getvariable(${sqlText(MOUNT_VARIABLE)}), ${sqlText(at)}) || ${sqlText(relative)}`
}

/**
 * What {@link writeCatalog} wrote for the lake itself, wherever its Parquet files have gone since.
 * @throws StokerError CATALOG_FOREIGN for a catalog that was written for another mount point, or by somebody else
 */
export async function readCatalog(path: string): Promise<(CatalogTable & { readonly files: string })[]> {
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
        files: patternIn(sql, path),
        description: description ?? undefined,
        columns: (columns ?? []).map((column, i) => ({ name: column, description: descriptions![i] })),
      }
    })
  } finally {
    instance.closeSync()
  }
}

function patternIn(sql: string, path: string): string {
  const pattern = /FROM read_parquet\('((?:[^']|'')*)'\);?\s*$/.exec(sql)?.[1]
  if (pattern !== undefined) return pattern.replaceAll("''", "'")
  throw new StokerError('CATALOG_FOREIGN', `${path} is not the catalog that Stoker wrote for this lake`, {
    hint: 'the next stoker sync writes it anew; a catalog for another mount point is opened by DuckDB itself',
    facts: { path },
  })
}

interface CatalogRow {
  readonly schema: string
  readonly name: string
  readonly description: string | null
  readonly sql: string
  readonly columns: readonly string[] | null
  readonly descriptions: readonly string[] | null
}

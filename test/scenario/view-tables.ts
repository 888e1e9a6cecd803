/** The shipped views as tables of a database, made straight from NDJSON files: no server, no run, no ledger. */
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { sqlName, sqlText } from '../../src/core/sql.ts'
import type { Session } from '../../src/store/session.ts'
import { loadViews } from '../../src/views/library.ts'
import { viewRows } from '../../src/warehouse/tables/view.ts'

export interface DefinedColumn {
  readonly name: string
  readonly path: string
  readonly type?: string
  readonly description?: string
  readonly tag?: readonly { readonly name: string; readonly value: string }[]
}

/** A ViewDefinition as its file has it, its columns in the order of the table. */
export interface Definition {
  readonly name: string
  readonly url: string
  readonly description: string
  readonly columns: readonly DefinedColumn[]
}

interface Select {
  readonly column?: readonly DefinedColumn[]
  readonly select?: readonly Select[]
  readonly unionAll?: readonly Select[]
}

/**
 * Fills `schema` with one table per view of `viewsFolder`, over the `.ndjson` files of `data`. Its name stands for
 * the source: in `_source`, and in front of every key.
 */
export async function tableViews(session: Session, schema: string, viewsFolder: string, data: string): Promise<void> {
  await session.run(`CREATE SCHEMA ${sqlName(schema)}`)
  for (const view of await loadViews(viewsFolder)) {
    const raw = `(SELECT json, json->>'resourceType' AS type, json->>'id' AS id, ${sqlText(schema)} AS source,
      NULL::TIMESTAMPTZ AS last_updated, 1 AS run, 1 AS file, 1::BIGINT AS line
      FROM read_ndjson_objects(${sqlText(join(data, '*.ndjson'))}))`
    await session.run(`CREATE TABLE ${sqlName(schema)}.${sqlName(view.name)} AS ${viewRows(view, raw)}`)
  }
}

/** The ViewDefinitions of a folder, read without the compiler. */
export async function readDefinitions(folder: string): Promise<Definition[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json')).sort()
  return Promise.all(
    files.map(async (file) => {
      const view = JSON.parse(await readFile(join(folder, file), 'utf8')) as Definition & { select: Select[] }
      return { ...view, columns: view.select.flatMap(columnsOf) }
    }),
  )
}

function columnsOf(select: Select): readonly DefinedColumn[] {
  // The branches of a unionAll have the same columns.
  const inner = [...(select.select ?? []), ...(select.unionAll ?? []).slice(0, 1)]
  return [...(select.column ?? []), ...inner.flatMap(columnsOf)]
}

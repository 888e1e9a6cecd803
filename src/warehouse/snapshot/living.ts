/** Tables as cohorts and data sets see them: the living alone. What was deleted and is kept has a schema of its own. */
import type { CatalogTable } from './catalog.ts'
import { DELETED_COLUMN } from '../tables/view.ts'

/** `with_deleted.condition` has all rows of `condition`, whatever `deletions` is, so that one text serves both settings. */
export const WITH_DELETED = 'with_deleted'

export function livingTables(tables: readonly CatalogTable[]): CatalogTable[] {
  return tables.flatMap((table) => {
    if (table.schema !== 'main') return [table]
    const keeps = table.columns.some(({ name }) => name === DELETED_COLUMN.name)
    const living = keeps ? { ...table, where: `${DELETED_COLUMN.name} IS NULL` } : table
    return [living, { schema: WITH_DELETED, name: table.name, files: table.files, columns: [] }]
  })
}

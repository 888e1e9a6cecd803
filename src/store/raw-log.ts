/** The raw log as a relation: landing writes its files, the warehouse and the ledger read them through this. */
import { sqlText } from '../core/sql.ts'

/**
 * Files of the raw log as a relation in parentheses, usable resources only: `type, id, version BIGINT,
 * last_updated TIMESTAMPTZ, subsetted BOOLEAN, hash UBIGINT, json, source, run, file, line`. The line of a row is its place in the file.
 */
export function rawRelation(paths: readonly string[]): string {
  if (paths.length === 0) return EMPTY
  return `(SELECT type, id, version, last_updated, subsetted, hash, json, source, run, file, file_row_number + 1 AS line
    FROM read_parquet([${paths.map(sqlText).join(', ')}], file_row_number = true) WHERE type IS NOT NULL)`
}

/** The lines of `paths` that are named in the relation `places (file, line)`. */
export function rawRelationAt(paths: readonly string[], places: string): string {
  return `(SELECT * FROM ${rawRelation(paths)} SEMI JOIN (${places}) USING (file, line))`
}

const EMPTY = `(SELECT NULL::VARCHAR AS type, NULL::VARCHAR AS id, NULL::BIGINT AS version, NULL::TIMESTAMPTZ AS last_updated,
    NULL::BOOLEAN AS subsetted, NULL::UBIGINT AS hash, NULL::JSON AS json, NULL::VARCHAR AS source, NULL::INTEGER AS run, NULL::INTEGER AS file,
    NULL::BIGINT AS line WHERE false)`

/** The raw log as a relation: landing and compaction write its files, the warehouse and the ledger read them through this. */
import { join } from 'node:path'
import { sqlText } from '../core/sql.ts'

const COLUMNS = 'type, id, version, last_updated, subsetted, hash, json, source, run, file'

/**
 * So many files are read by one statement at most: DuckDB opens every file of a list before the first row, and holds its
 * footer for as long; a server may cut an export into 20,000.
 */
export const FILES_AT_ONCE = 500

/**
 * Files of the raw log as a relation in parentheses, usable resources only: `type, id, version BIGINT,
 * last_updated TIMESTAMPTZ, subsetted BOOLEAN, hash UBIGINT, json, source, run, file, line`. In a file as it landed the line
 * of a row is its place; a packed one has lines of several files, and a column that names them.
 */
export function rawRelation(paths: readonly string[]): string {
  // Several files of the ledger may lie in one.
  const all = [...new Set(paths)]
  const packed = all.filter(isPacked)
  const plain = all.filter((path) => !isPacked(path))
  const parts: string[] = []
  if (packed.length > 0) parts.push(`SELECT ${COLUMNS}, line FROM read_parquet(${list(packed)})`)
  if (plain.length > 0) {
    parts.push(`SELECT ${COLUMNS}, file_row_number + 1 AS line
    FROM read_parquet(${list(plain)}, file_row_number = true) WHERE type IS NOT NULL`)
  }
  return parts.length === 0 ? EMPTY : `(${parts.join(' UNION ALL ')})`
}

/** The lines of `paths` that are named in the relation `places (file, line)`. */
export function rawRelationAt(paths: readonly string[], places: string): string {
  return `(SELECT * FROM ${rawRelation(paths)} SEMI JOIN (${places}) USING (file, line))`
}

/** Where lines of several files of a source lie together; relative to the lake. */
export function packedPath(source: string, number: number): string {
  return join('raw', source, 'packed', `${number}.parquet`)
}

/** Of a path relative to the lake or absolute. A run's folder has a number for its name. */
function isPacked(path: string): boolean {
  return /[\\/]packed[\\/]\d+\.parquet$/.test(path)
}

function list(paths: readonly string[]): string {
  return `[${paths.map(sqlText).join(', ')}]`
}

const EMPTY = `(SELECT NULL::VARCHAR AS type, NULL::VARCHAR AS id, NULL::BIGINT AS version, NULL::TIMESTAMPTZ AS last_updated,
    NULL::BOOLEAN AS subsetted, NULL::UBIGINT AS hash, NULL::JSON AS json, NULL::VARCHAR AS source, NULL::INTEGER AS run, NULL::INTEGER AS file,
    NULL::BIGINT AS line WHERE false)`

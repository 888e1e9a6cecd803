/** NDJSON files as a relation that DuckDB reads. */
import { sqlText } from '../core/sql.ts'
import type { ViewInput } from '../views/compile.ts'

/** A line may be longer than DuckDB's own 16 MB: documents stand in resources. */
const LINE_BYTES_MAX = 64 << 20

/** What a compiled view reads; keys come out as `Type/id`. */
export function ndjsonInput(files: readonly string[]): ViewInput {
  return { from: ndjsonRelation(files), json: 'json', carry: [] }
}

/** `-` is the standard input; names may be patterns. @param settings more of DuckDB's reader, as SQL */
export function ndjsonRelation(files: readonly string[], ...settings: readonly string[]): string {
  const names = files.map((file) => sqlText(file === '-' ? '/dev/stdin' : file)).join(', ')
  const all = [`[${names}]`, `maximum_object_size = ${LINE_BYTES_MAX}`, ...settings]
  return `read_ndjson_objects(${all.join(', ')})`
}

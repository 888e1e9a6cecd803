/** SQL of what a purge takes, while `purge_key` and `purge_line` say it: one condition for all who remove, search and prove. */
import { sqlText } from '../../core/sql.ts'
import { resourceKey } from '../tables/view.ts'
import type { PurgeSubject } from './subject.ts'

/**
 * Of rows of a view, in a table or in the files of a snapshot: those of the keys, and those made of a line that goes: a
 * resource that was put right is another's by now, what was made of its old lines is not.
 */
export function goneRows(purge: number, subject: PurgeSubject): string {
  const ofSource = `_source = ${sqlText(subject.source)}`
  if (subject.kind === 'source') return ofSource
  return `(${ofSource} AND (
    _resource_key IN (SELECT ${resourceKey('source', 'type', 'id')} FROM stoker.purge_key WHERE purge = ${purge})
    OR (_file, _line) IN (SELECT (file, line) FROM stoker.purge_line WHERE purge = ${purge})))`
}

/** Of rows of the index and of its past. A tombstone's line is in a Bundle, which stays, without the entries that go. */
export function goneIndexRows(purge: number, subject: PurgeSubject): string {
  const ofSource = `source = ${sqlText(subject.source)}`
  if (subject.kind === 'source') return ofSource
  return `(${ofSource} AND (
    (type, id) IN (SELECT (type, id) FROM stoker.purge_key WHERE purge = ${purge})
    OR (deleted_by IS NULL AND (file, line) IN (SELECT (file, line) FROM stoker.purge_line WHERE purge = ${purge}))))`
}

/** The resource index as it stood after any commit: what its rows were until a later run put others in their place. */
import { sqlText } from '../../core/sql.ts'

/** Number of a commit (`stoker.run.commit_number`); undefined: the present state. */
type Moment = number | undefined

const COLUMNS = 'source, type, id, version, last_updated, exported_at, subsetted, hash, run, file, line, deleted_by'

/** As a relation of the columns of `stoker.resource`, in parentheses. */
function indexAt(moment: Moment): string {
  if (moment === undefined) return 'stoker.resource'
  const by = committedBy(moment)
  return `(SELECT ${COLUMNS} FROM stoker.resource WHERE run IN ${by}
    UNION ALL SELECT ${COLUMNS} FROM stoker.resource_past WHERE run IN ${by} AND until_run NOT IN ${by})`
}

/**
 * Places of what a view table holds: the newest version of every living resource of the type and, where deleted ones are
 * kept, their last one. A SELECT of `(file, line, deleted_at)`.
 */
export function tablePlaces(type: string, keepsDeleted: boolean, moment: Moment): string {
  const ofType = `type = ${sqlText(type)}`
  const living = `SELECT file, line, NULL::TIMESTAMPTZ AS deleted_at FROM ${indexAt(moment)} WHERE deleted_by IS NULL AND ${ofType}`
  if (!keepsDeleted) return living
  const before = moment === undefined ? '' : `AND until_run IN ${committedBy(moment)}`
  return `${living}
    UNION ALL SELECT last.file, last.line, gone.exported_at AS deleted_at FROM ${indexAt(moment)} AS gone JOIN (
      SELECT source, type, id, arg_max(file, until_run) AS file, arg_max(line, until_run) AS line
      FROM stoker.resource_past WHERE deleted_by IS NULL AND ${ofType} ${before} GROUP BY ALL) AS last USING (source, type, id)
    WHERE gone.deleted_by IS NOT NULL AND gone.${ofType}`
}

/** Of one source runs are committed in their order, of several they are not. */
function committedBy(moment: number): string {
  return `(SELECT run FROM stoker.run WHERE commit_number <= ${moment})`
}

/** What the warehouse needs to know of a view: its columns and its SQL over a slice of the raw log. */
import { sqlName, sqlText } from '../../core/sql.ts'

export interface ViewColumn {
  readonly name: string
  /** DuckDB type. */
  readonly type: string
  readonly description?: string | undefined
}

/** A compiled view. Its rows are a pure function of one resource. */
export interface View {
  readonly name: string
  /** The resource type it reads. */
  readonly resource: string
  readonly description?: string | undefined
  /** Of the definition: another hash means other rows. */
  readonly hash: string
  /** Rows of deleted resources stay, with the time of their deletion: see {@link keepDeleted}. */
  readonly keepsDeleted?: boolean
  readonly columns: readonly ViewColumn[]
  sql(input: ViewInput): string
  /**
   * SELECT of `(column, element, wanted, values)`: how many values of the relation a column lacks because they have another
   * shape than it wants. `column` is NULL for what no column reads by itself, `element` where it is the column's own value.
   */
  lossSql(input: Pick<ViewInput, 'from' | 'json'>): string
}

export interface ViewInput {
  /** A relation, as SQL text. */
  readonly from: string
  /** Its column with the resource's text. */
  readonly json: string
  /** Its column whose text and a '/' stand before each key, so that two hospitals' `Patient/1` stay two. */
  readonly keyPrefix: string
  /** Its columns that every row of the view carries, in front. */
  readonly carry: readonly string[]
  /** Name of a sequence from which a number is taken for each resource of which {@link View.lossSql} counts something. */
  readonly lossSequence?: string | undefined
}

/** Stands in front of every row of every view table: where it came from. */
export const LINEAGE_COLUMNS: readonly ViewColumn[] = [
  { name: '_source', type: 'VARCHAR', description: 'The source, as named in the configuration.' },
  {
    name: '_resource_key',
    type: 'VARCHAR',
    description: 'Key of the resource: source/Type/id. Columns named …_key hold the same form.',
  },
  {
    name: '_last_updated',
    type: 'TIMESTAMPTZ',
    description: 'meta.lastUpdated of the version this row was made from, where the server gives one.',
  },
  { name: '_run', type: 'INTEGER', description: 'The run that brought this version: stoker.run.' },
  { name: '_file', type: 'INTEGER', description: 'The file it came in: stoker.file.' },
  { name: '_line', type: 'BIGINT', description: 'Its line in that file, from 1.' },
]

/** Stands after them in tables that keep the rows of deleted resources. */
export const DELETED_COLUMN: ViewColumn = {
  name: '_deleted_at',
  type: 'TIMESTAMPTZ',
  description: 'When the server, as of its export, no longer had the resource; NULL: it is alive.',
}

/** The view with a table that keeps the rows of deleted resources. */
export function keepDeleted<V extends View>(view: V): V {
  return { ...view, keepsDeleted: true, hash: `${view.hash}+deleted` }
}

export function tableColumns(view: Pick<View, 'columns' | 'keepsDeleted'>): ViewColumn[] {
  return [...carried(view), ...view.columns]
}

function carried({ keepsDeleted }: Pick<View, 'keepsDeleted'>): ViewColumn[] {
  return keepsDeleted ? [...LINEAGE_COLUMNS, DELETED_COLUMN] : [...LINEAGE_COLUMNS]
}

/**
 * The view's rows over lines of the raw log, with `deleted_at` (see raw-lines.ts), as a SELECT. `lossSequence`: see
 * {@link ViewInput}; only a SELECT that runs once, here and now, can have one.
 */
export function viewRows(view: View, lines: string, lossSequence?: string): string {
  const deletedAt = view.keepsDeleted ? ', deleted_at AS _deleted_at' : ''
  return view.sql({
    from: `(SELECT json, source AS _source, ${resourceKey('source', 'type', 'id')} AS _resource_key,
      last_updated AS _last_updated, run AS _run, file AS _file, line AS _line${deletedAt}
      FROM ${lines} WHERE type = ${sqlText(view.resource)})`,
    json: 'json',
    keyPrefix: '_source',
    carry: carried(view).map((column) => column.name),
    lossSequence,
  })
}

/** What the view lacks of a raw log relation, as a SELECT: see {@link View.lossSql}. */
export function viewLosses(view: View, raw: string): string {
  return view.lossSql({ from: `(SELECT json FROM ${raw} WHERE type = ${sqlText(view.resource)})`, json: 'json' })
}

/** SQL of a resource's key from its three parts. */
export function resourceKey(source: string, type: string, id: string): string {
  return `${source} || '/' || ${type} || '/' || ${id}`
}

/** A view's name begins with a letter; what a merge makes for itself, with an underscore, is never its namesake. */
export function viewTable(name: string): string {
  return `main.${sqlName(name)}`
}

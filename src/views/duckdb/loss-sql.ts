/** Counts what a view lacks because the data has a wrong shape: by element, and by the column's own value. */
import { sqlName, sqlText } from '../../core/sql.ts'
import { checkPlan, type Wanted } from '../plan/watch.ts'
import type { Plan } from '../plan/plan.ts'
import { exprSql } from './expr-sql.ts'
import { parsedSql, viewSql, type ViewInput } from './view-sql.ts'
import { watchedKinds, wrongValues, type WatchedKind } from './wrong-values.ts'

export function lossSql(plan: Plan, input: Pick<ViewInput, 'from' | 'json'>): string {
  const parts = [...elementCounts(plan, input), ...rowCounts(plan, input)]
  const none = `SELECT NULL::VARCHAR AS "column", NULL::VARCHAR AS element, NULL::VARCHAR AS wanted, 0::BIGINT AS "values"`
  return `SELECT * FROM (${[none, ...parts].join('\nUNION ALL ')}) WHERE "values" > 0`
}

/** Rows whose column has lost a value. */
function rowCounts(plan: Plan, input: Pick<ViewInput, 'from' | 'json'>): string[] {
  const checks = checkPlan(plan)
  if (checks.columns.length === 0) return []
  const counts = checks.columns.map(({ name }) => {
    const cut = name.indexOf(': ')
    return countOf(name.slice(0, cut), undefined, name.slice(cut + 2) as Wanted, `count_if(${sqlName(name)})`)
  })
  return [counted(counts, `(${viewSql(checks, { from: input.from, json: input.json, carry: [] }, false)})`)]
}

/** Values of elements that are not of FHIR's shape. */
function elementCounts(plan: Plan, input: Pick<ViewInput, 'from' | 'json'>): string[] {
  const watched = watchedKinds(plan)
  if (watched.length === 0) return []
  const json = '__json'
  const vars = new Map([[plan.root, plan.root]])
  const where = plan.where.map((test) => exprSql(test, { vars, keyPrefix: undefined, json, stopsOnMany: false }))
  const { parsed, isType } = parsedSql(plan, input, [`${sqlName(input.json)} AS ${json}`])
  const counts = watched.map((one, place) => `sum(${wrongValues(one, plan.root, json)}) AS c${place}`)
  const from = `(SELECT ${counts.join(', ')} FROM (${parsed}) WHERE ${[isType, ...where].join(' AND ')})`
  return [
    counted(
      watched.flatMap((one, place) => countsOf(one, `c${place}`)),
      from,
    ),
  ]
}

function countsOf({ chain, columns, kind }: WatchedKind, count: string): string[] {
  const element = chain.map((field) => field.name).join('.')
  return (columns.length === 0 ? [undefined] : columns).map((column) => countOf(column, element, kind, count))
}

function countOf(column: string | undefined, element: string | undefined, wanted: Wanted, count: string): string {
  const text = (value: string | undefined) => (value === undefined ? 'NULL::VARCHAR' : sqlText(value))
  return `{'column': ${text(column)}, 'element': ${text(element)}, 'wanted': ${sqlText(wanted)}, 'values': (${count})::BIGINT}`
}

function counted(counts: readonly string[], from: string): string {
  return `SELECT unnest([${counts.join(',\n  ')}], recursive := true) FROM ${from}`
}

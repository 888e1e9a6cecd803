/**
 * Counts what a view lacks because the data has a wrong shape. from_json() tells nothing of it, and reading every
 * element a second time as JSON would cost more than the view: so an element is looked up in the JSON text only where
 * the structure has nothing and the text does have its name.
 */
import { sqlName, sqlText } from '../../core/sql.ts'
import { checkPlan, watchedElements, type Wanted, type Watched } from '../plan/watch.ts'
import type { Field } from '../plan/shape.ts'
import type { Plan } from '../plan/plan.ts'
import { exprSql } from './expr-sql.ts'
import { isDouble } from './struct.ts'
import { parsedSql, viewSql, type ViewInput } from './view-sql.ts'

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
  return [counted(counts, `(${viewSql(checks, { ...input, carry: [] }, false)})`)]
}

/** Values of elements that are not of FHIR's shape. */
function elementCounts(plan: Plan, input: Pick<ViewInput, 'from' | 'json'>): string[] {
  const watched = watchedElements(plan).filter(({ chain }) => kindOf(chain.at(-1)!) !== undefined)
  if (watched.length === 0) return []
  const json = '__json'
  const vars = new Map([[plan.root, plan.root]])
  const where = plan.where.map((test) => exprSql(test, { vars, keyPrefix: undefined, stopsOnMany: false }))
  const { parsed, isType } = parsedSql(plan, input, [`${sqlName(input.json)} AS ${json}`])
  const counts = watched.map(({ chain }, place) => `sum(${wrongValues(chain, plan.root, json)}) AS c${place}`)
  const from = `(SELECT ${counts.join(', ')} FROM (${parsed}) WHERE ${[isType, ...where].join(' AND ')})`
  return [
    counted(
      watched.flatMap((one, place) => countsOf(one, `c${place}`)),
      from,
    ),
  ]
}

function countsOf({ chain, columns }: Watched, count: string): string[] {
  const element = chain.map((field) => field.name).join('.')
  const wanted = kindOf(chain.at(-1)!)!
  return (columns.length === 0 ? [undefined] : columns).map((column) => countOf(column, element, wanted, count))
}

function countOf(column: string | undefined, element: string | undefined, wanted: Wanted, count: string): string {
  const text = (value: string | undefined) => (value === undefined ? 'NULL::VARCHAR' : sqlText(value))
  return `{'column': ${text(column)}, 'element': ${text(element)}, 'wanted': ${sqlText(wanted)}, 'values': (${count})::BIGINT}`
}

function counted(counts: readonly string[], from: string): string {
  return `SELECT unnest([${counts.join(',\n  ')}], recursive := true) FROM ${from}`
}

type Kind = 'lists' | 'objects' | 'true or false' | 'whole numbers' | 'numbers'

/** Undefined for text, which from_json() makes of anything: nothing is lost. */
function kindOf(field: Field): Kind | undefined {
  if (field.isMany) return 'lists'
  if (field.kind === 'object') return 'objects'
  if (field.kind === 'boolean') return 'true or false'
  if (field.kind === 'integer' || field.kind === 'long') return 'whole numbers'
  return field.kind === 'decimal' && isDouble(field) ? 'numbers' : undefined
}

function wrongValues(chain: readonly Field[], root: string, json: string): string {
  const field = chain.at(-1)!
  const path = chain.map((one, place) => `."${one.name}"${one.isMany && place < chain.length - 1 ? '[*]' : ''}`)
  const found = `json_extract(${json}, ${sqlText(`$${path.join('')}`)})`
  const all = path.some((step) => step.endsWith('[*]')) ? found : `[${found}]`
  const wrong = `len(list_filter(${all}, lambda __j: ${isWrong(field, '__j')}))`
  const name = `contains(${json}, ${sqlText(`"${field.name}"`)})`
  const suspect = `regexp_matches(${json}, ${sqlText(`"${field.name}"\\s*:\\s*(?:${STRANGE[kindOf(field)!]})`)})`
  return `CASE WHEN ${hasGap(chain, root)} AND ${name} AND ${suspect} THEN ${wrong} ELSE 0 END`
}

/** Whether some value at the end of the chain is missing from the structure. */
function hasGap([field, ...rest]: readonly Field[], of: string, depth = 0): string {
  const value = `${of}.${sqlName(field!.name)}`
  if (rest.length === 0) return isGap(field!, value)
  if (!field!.isMany) return `${value} IS NOT NULL AND ${hasGap(rest, value, depth)}`
  const item = `__g${depth}`
  return `list_bool_or(list_transform(${value}, lambda ${item}: ${hasGap(rest, item, depth + 1)}))`
}

/** An object of the wrong shape is one of NULLs, not NULL. Of a list's items the first tells: who errs errs in all. */
function isGap(field: Field, value: string): string {
  if (field.isMany && field.kind !== 'object') return `${value} IS NULL`
  if (field.isMany) return `(${value} IS NULL OR ${isGap({ ...field, isMany: false }, `${value}[1]`)})`
  if (field.kind !== 'object') return `${value} IS NULL`
  const inner = [...field.shape.fields.keys()].map((name) => `${value}.${sqlName(name)} IS NULL`)
  return `(${[`${value} IS NOT NULL`, ...inner].join(' AND ')})`
}

/** How the JSON of a value begins that is not what is wanted, nor null. */
const STRANGE: Readonly<Record<Kind, string>> = {
  objects: String.raw`[^{\sn]`,
  lists: String.raw`[^\[\sn]|\[\s*[^{\s\]]`,
  'true or false': String.raw`[^tf\sn]`,
  'whole numbers': String.raw`[^-0-9\sn]|-?[0-9]{10}`,
  numbers: String.raw`[^-0-9\sn]`,
}

function isWrong(field: Field, value: string): string {
  const type = `coalesce(json_type(${value}), 'NULL')`
  switch (kindOf(field)) {
    case 'lists': {
      const first =
        field.kind === 'object' ? isWrong({ ...field, isMany: false }, `json_extract(${value}, '$[0]')`) : 'false'
      return `CASE ${type} WHEN 'NULL' THEN false WHEN 'ARRAY' THEN ${first} ELSE true END`
    }
    case 'objects':
      return `${type} NOT IN ('OBJECT', 'NULL')`
    case 'true or false':
      return `(${type} <> 'NULL' AND TRY_CAST(${value} ->> '$' AS BOOLEAN) IS NULL)`
    case 'whole numbers':
      return `(${type} <> 'NULL' AND TRY_CAST(${value} ->> '$' AS ${field.kind === 'long' ? 'BIGINT' : 'INTEGER'}) IS NULL)`
    default:
      return `(${type} <> 'NULL' AND TRY_CAST(${value} ->> '$' AS DOUBLE) IS NULL)`
  }
}

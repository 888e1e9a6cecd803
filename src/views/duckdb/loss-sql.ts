/**
 * Counts what a view lacks because the data has a wrong shape. from_json() tells nothing of it, and reading every
 * element a second time as JSON would cost more than the view: so an element is looked up in the JSON text only where
 * the structure has nothing and the text does have its name, or where the structure has JSON in place of text.
 */
import { sqlName, sqlText } from '../../core/sql.ts'
import { checkPlan, watchedElements, type Wanted, type Watched } from '../plan/watch.ts'
import type { Field } from '../plan/shape.ts'
import type { Plan } from '../plan/plan.ts'
import { exprSql } from './expr-sql.ts'
import { isDouble } from './struct.ts'
import { isJson } from './text-shape.ts'
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
  const watched = watchedElements(plan).flatMap((one) => kindsOf(one.chain.at(-1)!).map((kind) => ({ ...one, kind })))
  if (watched.length === 0) return []
  const json = '__json'
  const vars = new Map([[plan.root, plan.root]])
  const where = plan.where.map((test) => exprSql(test, { vars, keyPrefix: undefined, json, stopsOnMany: false }))
  const { parsed, isType } = parsedSql(plan, input, [`${sqlName(input.json)} AS ${json}`])
  const counts = watched.map(
    ({ chain, kind }, place) => `sum(${wrongValues(chain, kind, plan.root, json)}) AS c${place}`,
  )
  const from = `(SELECT ${counts.join(', ')} FROM (${parsed}) WHERE ${[isType, ...where].join(' AND ')})`
  return [
    counted(
      watched.flatMap((one, place) => countsOf(one, `c${place}`)),
      from,
    ),
  ]
}

function countsOf({ chain, columns, kind }: Watched & { readonly kind: Kind }, count: string): string[] {
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

type Kind = 'lists' | 'text' | 'objects' | 'true or false' | 'whole numbers' | 'numbers'

/** What an element must be; a list of texts both a list and texts. None for a decimal kept as text: its column tells. */
function kindsOf(field: Field): readonly Kind[] {
  if (field.isMany) return field.kind === 'text' ? ['lists', 'text'] : ['lists']
  if (field.kind === 'object') return ['objects']
  if (field.kind === 'boolean') return ['true or false']
  if (field.kind === 'integer' || field.kind === 'long') return ['whole numbers']
  if (field.kind === 'text') return ['text']
  return field.kind === 'decimal' && isDouble(field) ? ['numbers'] : []
}

function wrongValues(chain: readonly Field[], kind: Kind, root: string, json: string): string {
  const field = chain.at(-1)!
  const isOfItems = (one: Field, place: number) => one.isMany && (place < chain.length - 1 || kind === 'text')
  const path = chain.map((one, place) => `."${one.name}"${isOfItems(one, place) ? '[*]' : ''}`)
  const found = `json_extract(${json}, ${sqlText(`$${path.join('')}`)})`
  const all = path.some((step) => step.endsWith('[*]')) ? found : `[${found}]`
  const wrong = `len(list_filter(${all}, lambda __j: ${isWrong(field, kind, '__j')}))`
  const suspicion = [hasGap(chain, kind, root), ...(kind === 'text' ? [] : nameTests(field, kind, json))]
  return `CASE WHEN ${suspicion.join(' AND ')} THEN ${wrong} ELSE 0 END`
}

/** What is missing from the structure may be missing from the text as well. */
function nameTests({ name }: Field, kind: Exclude<Kind, 'text'>, json: string): string[] {
  const strange = sqlText(`"${name}"\\s*:\\s*(?:${STRANGE[kind]})`)
  return [`contains(${json}, ${sqlText(`"${name}"`)})`, `regexp_matches(${json}, ${strange})`]
}

/** Whether some value at the end of the chain is missing from the structure, or is JSON there and no text. */
function hasGap([field, ...rest]: readonly Field[], kind: Kind, of: string, depth = 0): string {
  const value = `${of}.${sqlName(field!.name)}`
  if (rest.length === 0) return kind === 'text' ? isNoText(field!, value) : isGap(field!, value)
  if (!field!.isMany) return `${value} IS NOT NULL AND ${hasGap(rest, kind, value, depth)}`
  const item = `__g${depth}`
  return `list_bool_or(list_transform(${value}, lambda ${item}: ${hasGap(rest, kind, item, depth + 1)}))`
}

function isNoText({ isMany }: Field, value: string): string {
  return isMany ? `len(list_filter(${value}, lambda __e: ${isJson('__e')})) > 0` : `(${isJson(value)})`
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
const STRANGE: Readonly<Record<Exclude<Kind, 'text'>, string>> = {
  objects: String.raw`[^{\sn]`,
  lists: String.raw`[^\[\sn]|\[\s*[^{\s\]]`,
  'true or false': String.raw`[^tf\sn]`,
  'whole numbers': String.raw`[^-0-9\sn]|-?[0-9]{10}`,
  numbers: String.raw`[^-0-9\sn]`,
}

function isWrong(field: Field, kind: Kind, value: string): string {
  const type = `coalesce(json_type(${value}), 'NULL')`
  switch (kind) {
    case 'text':
      return `${type} IN ('OBJECT', 'ARRAY')`
    case 'lists': {
      const first = field.kind === 'object' ? isWrong(field, 'objects', `json_extract(${value}, '$[0]')`) : 'false'
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

/**
 * Elements whose JSON is not what the structure of from_json() has for them: it tells nothing of it, and reading every
 * element a second time as JSON would cost more than the view. So an element is looked up in the JSON text only where
 * the structure has nothing and the text does have its name, or where the structure has JSON in place of text.
 */
import { sqlName, sqlText } from '../../core/sql.ts'
import type { Plan } from '../plan/plan.ts'
import type { Field } from '../plan/shape.ts'
import { watchedElements, type Watched } from '../plan/watch.ts'
import { isDouble } from './struct.ts'
import { isJson } from './text-shape.ts'

export interface WatchedKind extends Watched {
  readonly kind: Kind
}

/** Every element that may be wrong, once for each thing it must be. */
export function watchedKinds(plan: Plan): WatchedKind[] {
  return watchedElements(plan).flatMap((one) => kindsOf(one.chain.at(-1)!).map((kind) => ({ ...one, kind })))
}

/** SQL of how many values of the element are wrong in one resource. `json`: a name for the resource's own JSON. */
export function wrongValues(watched: WatchedKind, root: string, json: string): string {
  return `CASE WHEN ${suspicion(watched, root, json)} THEN ${countedValues(watched, json)} ELSE 0 END`
}

/** SQL of whether some are. */
export function hasWrongValue(watched: WatchedKind, root: string, json: string): string {
  return `CASE WHEN ${suspicion(watched, root, json)} THEN ${countedValues(watched, json)} > 0 ELSE false END`
}

export type Kind = 'lists' | 'text' | 'objects' | 'true or false' | 'whole numbers' | 'numbers'

/** What an element must be; a list of texts both a list and texts. None for a decimal kept as text: its column tells. */
function kindsOf(field: Field): readonly Kind[] {
  if (field.isMany) return field.kind === 'text' ? ['lists', 'text'] : ['lists']
  if (field.kind === 'object') return ['objects']
  if (field.kind === 'boolean') return ['true or false']
  if (field.kind === 'integer' || field.kind === 'long') return ['whole numbers']
  if (field.kind === 'text') return ['text']
  return field.kind === 'decimal' && isDouble(field) ? ['numbers'] : []
}

function countedValues({ chain, kind }: WatchedKind, json: string): string {
  const field = chain.at(-1)!
  const isOfItems = (one: Field, place: number) => one.isMany && (place < chain.length - 1 || kind === 'text')
  const path = chain.map((one, place) => `."${one.name}"${isOfItems(one, place) ? '[*]' : ''}`)
  const found = `json_extract(${json}, ${sqlText(`$${path.join('')}`)})`
  const all = path.some((step) => step.endsWith('[*]')) ? found : `[${found}]`
  return `len(list_filter(${all}, lambda __j: ${isWrong(field, kind, '__j')}))`
}

function suspicion(watched: WatchedKind, root: string, json: string): string {
  const { chain, kind } = watched
  return [hasGap(chain, kind, root), ...(kind === 'text' ? [] : nameTests(watched, json))].join(' AND ')
}

/** What is missing from the structure may be missing from the text as well. */
function nameTests(watched: WatchedKind, json: string): string[] {
  const name = sqlText(`"${watched.chain.at(-1)!.name}"`)
  return [`contains(${json}, ${name})`, `regexp_matches(${json}, ${sqlText(`"${strangeValue(watched)!}`)})`]
}

/** Whether some value at the end of the chain is missing from the structure, or is JSON there and no text. */
function hasGap([field, ...rest]: readonly Field[], kind: Kind, of: string, depth = 0): string {
  const value = `${of}.${sqlName(field!.name)}`
  if (rest.length === 0) return kind === 'text' ? hasJsonText(field!, value) : isGap(field!, value)
  if (!field!.isMany) return `${value} IS NOT NULL AND ${hasGap(rest, kind, value, depth)}`
  const item = `__g${depth}`
  return `list_bool_or(list_transform(${value}, lambda ${item}: ${hasGap(rest, kind, item, depth + 1)}))`
}

function hasJsonText({ isMany }: Field, value: string): string {
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

/**
 * The element's name, from behind its opening quote on, before a value that is not what is wanted, nor null, as a regular
 * expression: in the JSON text wherever the element is wrong. None for the items of a list of texts.
 */
export function strangeValue({ chain, kind }: WatchedKind): string | undefined {
  const { name, kind: of, isMany } = chain.at(-1)!
  if (isMany && kind === 'text') return undefined
  const ofItems = isMany && of === 'object' ? String.raw`|\[\s*[^{\s\]]` : ''
  return String.raw`${name}"\s*:\s*(?:${STRANGE[kind]}${ofItems})`
}

/** How the JSON of such a value begins. */
const STRANGE: Readonly<Record<Kind, string>> = {
  objects: String.raw`[^{\sn]`,
  lists: String.raw`[^\[\sn]`,
  text: String.raw`[{\[]`,
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

/** ViewDefinition JSON, read and checked: the shape of SQL on FHIR 2.0 (`tag`) and of later ones (`tags`) alike. */
import { nearestName } from '../core/nearest-name.ts'
import { ViewError } from './view-error.ts'

/** FHIRPath text and its path in the JSON. */
export interface PathText {
  readonly text: string
  readonly at: string
}

export interface ViewDefinition {
  readonly name: string | undefined
  readonly resource: string
  readonly description: string | undefined
  readonly fhirVersions: readonly string[]
  readonly constants: readonly ConstantDefinition[]
  readonly where: readonly PathText[]
  readonly selects: readonly SelectDefinition[]
}

export interface ConstantDefinition {
  readonly name: string
  /** The FHIR type: `code` of `valueCode`. */
  readonly type: string
  readonly value: string | number | boolean
  readonly at: string
}

export interface SelectDefinition {
  readonly at: string
  readonly columns: readonly ColumnDefinition[]
  readonly selects: readonly SelectDefinition[]
  readonly unions: readonly SelectDefinition[]
  readonly iteration:
    { readonly kind: 'forEach' | 'forEachOrNull' | 'repeat'; readonly paths: readonly PathText[] } | undefined
}

export interface ColumnDefinition {
  readonly name: string
  readonly path: PathText
  readonly type: string | undefined
  readonly isCollection: boolean
  readonly description: string | undefined
  /** Tag name to value. */
  readonly tags: ReadonlyMap<string, string>
  readonly at: string
}

type Json = Readonly<Record<string, unknown>>

const SELECT_KEYS = [
  'column',
  'select',
  'forEach',
  'forEachOrNull',
  'repeat',
  'unionAll',
  'id',
  'extension',
  'modifierExtension',
]
const COLUMN_KEYS = [
  'name',
  'path',
  'type',
  'collection',
  'description',
  'tag',
  'tags',
  'id',
  'extension',
  'modifierExtension',
]
const SQL_NAME = /^[A-Za-z][A-Za-z0-9_]*$/

/** @throws ViewError VIEW_INVALID with the path of the mistake. */
export function readDefinition(json: unknown): ViewDefinition {
  const view = object(json, '')
  if (view.resourceType !== undefined && view.resourceType !== 'ViewDefinition')
    throw wrong('resourceType', 'must be ViewDefinition')
  const name = optionalText(view, 'name', '')
  if (name !== undefined && !SQL_NAME.test(name)) throw wrong('name', 'must be letters, digits and _, a letter first')
  return {
    name,
    resource: text(view, 'resource', ''),
    description: optionalText(view, 'description', ''),
    fhirVersions: list(view, 'fhirVersion', '').map(String),
    constants: list(view, 'constant', '').map((one, place) => readConstant(one, `constant[${place}]`)),
    where: list(view, 'where', '').map((one, place) => {
      const at = `where[${place}]`
      return { text: text(object(one, at), 'path', at), at: `${at}.path` }
    }),
    selects: readSelects(view, 'select', '', true),
  }
}

function readSelects(owner: Json, key: string, at: string, isRequired = false): SelectDefinition[] {
  const selects = list(owner, key, at)
  if (isRequired && selects.length === 0) throw wrong(join(at, key), 'is missing: a view needs at least one')
  return selects.map((one, place) => readSelect(one, `${join(at, key)}[${place}]`))
}

function readSelect(json: unknown, at: string): SelectDefinition {
  const select = object(json, at)
  checkKeys(select, SELECT_KEYS, at)
  const iterations = (['forEach', 'forEachOrNull', 'repeat'] as const).filter((key) => select[key] !== undefined)
  if (iterations.length > 1) throw wrong(at, `has ${iterations.join(' and ')}: only one of them is possible`)
  const kind = iterations[0]
  const definition: SelectDefinition = {
    at,
    columns: list(select, 'column', at).map((one, place) => readColumn(one, `${at}.column[${place}]`)),
    selects: readSelects(select, 'select', at),
    unions: readSelects(select, 'unionAll', at),
    iteration: kind && {
      kind,
      paths: kind === 'repeat' ? repeated(select, at) : [{ text: text(select, kind, at), at: `${at}.${kind}` }],
    },
  }
  if (definition.columns.length + definition.selects.length + definition.unions.length === 0) {
    throw wrong(at, 'has neither column, select nor unionAll')
  }
  return definition
}

function repeated(select: Json, at: string): PathText[] {
  const paths = list(select, 'repeat', at)
  if (paths.length === 0) throw wrong(`${at}.repeat`, 'needs at least one path')
  return paths.map((path, place) => {
    if (typeof path !== 'string') throw wrong(`${at}.repeat[${place}]`, 'must be text')
    return { text: path, at: `${at}.repeat[${place}]` }
  })
}

function readColumn(json: unknown, at: string): ColumnDefinition {
  const column = object(json, at)
  checkKeys(column, COLUMN_KEYS, at)
  const name = text(column, 'name', at)
  if (!SQL_NAME.test(name)) throw wrong(`${at}.name`, 'must be letters, digits and _, a letter first')
  const isCollection = column.collection ?? false
  if (typeof isCollection !== 'boolean') throw wrong(`${at}.collection`, 'must be true or false')
  const tags = [...list(column, 'tag', at), ...list(column, 'tags', at)].map((one) => {
    const tag = object(one, `${at}.tag`)
    return [text(tag, 'name', `${at}.tag`), text(tag, 'value', `${at}.tag`)] as const
  })
  return {
    name,
    isCollection,
    at,
    path: { text: text(column, 'path', at), at: `${at}.path` },
    type: optionalText(column, 'type', at),
    description: optionalText(column, 'description', at),
    tags: new Map(tags),
  }
}

function readConstant(json: unknown, at: string): ConstantDefinition {
  const constant = object(json, at)
  const name = text(constant, 'name', at)
  if (!SQL_NAME.test(name)) throw wrong(`${at}.name`, 'must be letters, digits and _, a letter first')
  const keys = Object.keys(constant).filter((key) => key.startsWith('value'))
  const key = keys[0]
  if (key === undefined || keys.length > 1) throw wrong(at, 'needs exactly one value, like valueString')
  const value = constant[key]
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    throw wrong(`${at}.${key}`, 'must be a primitive value')
  return { name, value, at: `${at}.${key}`, type: key[5]!.toLowerCase() + key.slice(6) }
}

function object(json: unknown, at: string): Json {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Json
  throw wrong(at, 'must be an object')
}

function list(owner: Json, key: string, at: string): readonly unknown[] {
  const value = owner[key]
  if (value === undefined) return []
  if (Array.isArray(value)) return value
  throw wrong(join(at, key), 'must be a list')
}

function text(owner: Json, key: string, at: string): string {
  const value = optionalText(owner, key, at)
  if (value === undefined) throw wrong(join(at, key), 'is missing')
  return value
}

function optionalText(owner: Json, key: string, at: string): string | undefined {
  const value = owner[key]
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  throw wrong(join(at, key), 'must be text')
}

function checkKeys(owner: Json, known: readonly string[], at: string): void {
  for (const key of Object.keys(owner)) {
    if (known.includes(key) || key.startsWith('_')) continue
    const nearest = nearestName(key, known)
    throw new ViewError('VIEW_INVALID', `there is no ${key} here`, { path: at }, nearest && `did you mean ${nearest}?`)
  }
}

function join(at: string, key: string): string {
  return at === '' ? key : `${at}.${key}`
}

function wrong(at: string, problem: string): ViewError {
  return new ViewError('VIEW_INVALID', at === '' ? `a view ${problem}` : problem, at === '' ? {} : { path: at })
}

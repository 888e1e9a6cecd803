/** ViewDefinition JSON, read and checked: the metadata of SQL on FHIR 2.0 and of 3.0 (from FHIR's MetadataResource) alike. */
import { DefinitionJson, wrong, type Json } from './definition-json.ts'
import type { Mistakes } from './mistakes.ts'

/** FHIRPath text and its path in the JSON. */
export interface PathText {
  readonly text: string
  readonly at: string
}

export interface ViewDefinition {
  readonly name: string | undefined
  /** Empty when it is missing, which is a mistake. */
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

/** What a view says of itself besides; 2.0 has some of it, 3.0 all. None of it changes a row. */
const METADATA =
  'meta implicitRules language text contained resourceDefinition url identifier version versionAlgorithmString ' +
  'versionAlgorithmCoding title status experimental date publisher contact useContext jurisdiction purpose copyright ' +
  'copyrightLabel approvalDate lastReviewDate effectivePeriod topic author editor reviewer endorser relatedArtifact profile'
const VIEW_KEYS = [
  ...['resourceType', 'name', 'description', 'resource', 'fhirVersion', 'constant', 'select', 'where'],
  ...METADATA.split(' '),
]
const SELECT_KEYS = ['column', 'select', 'forEach', 'forEachOrNull', 'repeat', 'unionAll']
const COLUMN_KEYS = ['name', 'path', 'type', 'collection', 'description', 'tag', 'tags']
/** 2.0 named the type by a URL. */
const RESOURCE_TYPE = /^(?:https?:\/\/.*\/StructureDefinition\/)?ViewDefinition$/

/** Every mistake goes to `mistakes`, with its path; what it stands in is left out of the answer. */
export function readDefinition(json: unknown, mistakes: Mistakes): ViewDefinition {
  const reader = new DefinitionJson(mistakes)
  const view = mistakes.attempt<Json | undefined>({}, () => reader.object(json, ''), undefined)
  if (!view) return { ...NO_VIEW }
  reader.checkKeys(view, VIEW_KEYS, '')
  const or = <T>(instead: T, work: () => T) => mistakes.attempt({}, work, instead)
  or(undefined, () => {
    const type = reader.optionalText(view, 'resourceType', '')
    if (type !== undefined && !RESOURCE_TYPE.test(type)) throw wrong('resourceType', 'must be ViewDefinition')
  })
  return {
    name: or(undefined, () => reader.optionalSqlName(view)),
    resource: or('', () => reader.text(view, 'resource', '')),
    description: or(undefined, () => reader.optionalText(view, 'description', '')),
    fhirVersions: reader.each(view, 'fhirVersion', '', String),
    constants: reader.each(view, 'constant', '', (one, at) => readConstant(reader, one, at)),
    where: reader.each(view, 'where', '', (one, at) => {
      const condition = reader.object(one, at)
      reader.checkKeys(condition, ['path', 'description'], at)
      return { text: reader.text(condition, 'path', at), at: `${at}.path` }
    }),
    selects: or([], () => {
      if (reader.list(view, 'select', '').length === 0) throw wrong('select', 'is missing: a view needs at least one')
      return readSelects(reader, view, 'select', '')
    }),
  }
}

const NO_VIEW: ViewDefinition = {
  name: undefined,
  resource: '',
  description: undefined,
  fhirVersions: [],
  constants: [],
  where: [],
  selects: [],
}

function readSelects(reader: DefinitionJson, owner: Json, key: string, at: string): SelectDefinition[] {
  return reader.each(owner, key, at, (one, place) => readSelect(reader, one, place))
}

function readSelect(reader: DefinitionJson, json: unknown, at: string): SelectDefinition {
  const select = reader.object(json, at)
  reader.checkKeys(select, SELECT_KEYS, at)
  const iterations = (['forEach', 'forEachOrNull', 'repeat'] as const).filter((key) => select[key] !== undefined)
  if (iterations.length > 1) throw wrong(at, `has ${iterations.join(' and ')}: only one of them is possible`)
  const kind = iterations[0]
  if (!['column', 'select', 'unionAll'].some((key) => select[key] !== undefined))
    throw wrong(at, 'has neither column, select nor unionAll')
  return {
    at,
    columns: reader.each(select, 'column', at, (one, place) => readColumn(reader, one, place)),
    selects: readSelects(reader, select, 'select', at),
    unions: readSelects(reader, select, 'unionAll', at),
    iteration: kind && {
      kind,
      paths:
        kind === 'repeat'
          ? repeated(reader, select, at)
          : [{ text: reader.text(select, kind, at), at: `${at}.${kind}` }],
    },
  }
}

function repeated(reader: DefinitionJson, select: Json, at: string): PathText[] {
  if (reader.list(select, 'repeat', at).length === 0) throw wrong(`${at}.repeat`, 'needs at least one path')
  return reader.each(select, 'repeat', at, (path, place) => {
    if (typeof path !== 'string') throw wrong(place, 'must be text')
    return { text: path, at: place }
  })
}

function readColumn(reader: DefinitionJson, json: unknown, at: string): ColumnDefinition {
  const column = reader.object(json, at)
  reader.checkKeys(column, COLUMN_KEYS, at)
  const isCollection = column.collection ?? false
  if (typeof isCollection !== 'boolean') throw wrong(`${at}.collection`, 'must be true or false')
  const tag = (one: unknown, place: string) => {
    const pair = reader.object(one, place)
    return [reader.text(pair, 'name', place), reader.text(pair, 'value', place)] as const
  }
  return {
    name: reader.sqlName(column, at),
    isCollection,
    at,
    path: { text: reader.text(column, 'path', at), at: `${at}.path` },
    type: reader.optionalText(column, 'type', at),
    description: reader.optionalText(column, 'description', at),
    tags: new Map([...reader.each(column, 'tag', at, tag), ...reader.each(column, 'tags', at, tag)]),
  }
}

function readConstant(reader: DefinitionJson, json: unknown, at: string): ConstantDefinition {
  const constant = reader.object(json, at)
  const name = reader.sqlName(constant, at)
  const keys = Object.keys(constant).filter((key) => key.startsWith('value'))
  reader.checkKeys(constant, ['name', ...keys], at)
  const key = keys[0]
  if (key === undefined || keys.length > 1) throw wrong(at, 'needs exactly one value, like valueString')
  const value = constant[key]
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    throw wrong(`${at}.${key}`, 'must be a primitive value')
  return { name, value, at: `${at}.${key}`, type: key[5]!.toLowerCase() + key.slice(6) }
}

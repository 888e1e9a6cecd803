/** A kind of row as a ViewDefinition: keys and places in front, then what stands in the row. */
import type { FhirTypes } from '../fhir-types.ts'
import { codingTableName, ColumnNames, snakeCase, tableName } from './naming.ts'
import type { Concept, RowColumn, RowKind, Step } from './row.ts'

/** A ViewDefinition as its JSON. */
export interface GeneratedView {
  readonly resourceType: 'ViewDefinition'
  readonly url: string
  readonly name: string
  readonly title: string
  readonly status: 'active'
  readonly fhirVersion: readonly string[]
  readonly resource: string
  readonly description: string
  readonly select: readonly GeneratedSelect[]
}

export interface GeneratedSelect {
  readonly forEach?: string
  readonly forEachOrNull?: string
  readonly repeat?: readonly string[]
  readonly column?: readonly GeneratedColumn[]
  readonly select?: readonly GeneratedSelect[]
  readonly unionAll?: readonly GeneratedSelect[]
}

export interface GeneratedColumn {
  readonly name: string
  readonly path: string
  readonly type: string
  readonly collection?: true
  readonly tag?: readonly { readonly name: 'ansi/type'; readonly value: string }[]
  readonly description: string
}

/** FHIR's text forms that SQL has a type for. */
const SQL_TYPES: Readonly<Record<string, string>> = {
  date: 'DATE',
  dateTime: 'TIMESTAMP WITH TIME ZONE',
  decimal: 'DOUBLE PRECISION',
}

/** The table of the rows themselves. */
export function rowView(resource: string, row: RowKind, types: FhirTypes): GeneratedView {
  const frame = new Frame(resource, row)
  const columns = row.columns.map((column) => frame.column(column))
  const what = row.steps.length === 0 ? resource : `${row.element}${below(row)}`
  return frame.view('row', what, columns.length === 0 ? undefined : { column: columns }, types)
}

/** The table of all codings of the rows' coded elements: `element` says of which, `element_index` of which of several. */
export function codingView(resource: string, row: RowKind, types: FhirTypes): GeneratedView {
  const frame = new Frame(resource, row)
  const named = (name: string, path: string, type: string, description: string): GeneratedColumn =>
    frame.column({ name, path, type, isMany: false, description })
  const outer = [
    named('element', '', 'string', `Element of ${row.element} that the coding belongs to.`),
    named('element_index', '%rowIndex', 'integer', 'Place of the concept in the element, from 0.'),
    named('text', 'text', 'string', 'The concept as plain text.'),
  ]
  const inner = [
    named('coding_index', '%rowIndex', 'integer', 'Place of the coding in the concept, from 0.'),
    named('code', 'code', 'code', 'Code.'),
    named('code_system', 'system', 'uri', 'Code system of `code`.'),
    named('code_display', 'display', 'string', 'Display text of `code`.'),
    named('code_version', 'version', 'string', 'Version of the code system.'),
    named('user_selected', 'userSelected', 'boolean', 'Whether a person chose this coding.'),
  ]
  const unionAll = row.concepts.map((concept) => conceptRows(concept, outer, inner))
  return frame.view(
    'coding',
    `coding of a concept in ${row.element}${below(row)}, or concept of text alone`,
    { unionAll },
    types,
  )
}

function conceptRows(
  { path, element, isCoding }: Concept,
  outer: readonly GeneratedColumn[],
  inner: readonly GeneratedColumn[],
): GeneratedSelect {
  const column = outer.map((one, place) => (place === 0 ? { ...one, path: `'${element}'` } : one))
  if (!isCoding) return { forEach: path, column, select: [{ forEachOrNull: 'coding', column: inner }] }
  const alone = [...column.slice(0, 2), { ...column[2]!, path: '{}' }, { ...inner[0]!, path: '0' }, ...inner.slice(1)]
  return { forEach: path, column: alone }
}

function below(row: RowKind): string {
  return row.steps.some((step) => step.kind === 'repeat') ? ' at any depth' : ''
}

/** What every table of a row has: the resource's key and the row's places in it, with names of their own. */
class Frame {
  private readonly resource: string
  private readonly row: RowKind
  private readonly names: ColumnNames
  private readonly key: GeneratedColumn
  private readonly places: readonly GeneratedColumn[]

  constructor(resource: string, row: RowKind) {
    this.resource = resource
    this.row = row
    this.names = new ColumnNames(row.steps.at(-1)?.name ?? snakeCase(resource))
    this.key = this.column({
      name: `${snakeCase(resource)}_key`,
      path: 'getResourceKey()',
      type: 'string',
      isMany: false,
      description: `Key of the ${resource}, the same in all its tables.`,
    })
    this.places = row.steps.map((step) => this.column(placeColumn(step)))
  }

  column({ name, path, type, isMany, description }: RowColumn): GeneratedColumn {
    const sqlType = SQL_TYPES[type]
    return {
      name: this.names.add(name),
      path,
      type,
      ...(isMany ? { collection: true } : {}),
      ...(sqlType === undefined ? {} : { tag: [{ name: 'ansi/type', value: sqlType }] }),
      description,
    }
  }

  view(part: 'row' | 'coding', what: string, content: GeneratedSelect | undefined, types: FhirTypes): GeneratedView {
    const steps = this.row.steps.map((step) => step.name)
    const table = tableName(this.resource, steps)
    const name = part === 'row' ? table : codingTableName(table)
    const codingKey = part === 'row' ? [] : ['element', 'element_index', 'coding_index']
    const key = [this.key, ...this.places].map((column) => column.name).concat(codingKey)
    return {
      resourceType: 'ViewDefinition',
      url: `https://fhir-stoker.dev/views/${types.release.toLowerCase()}/${name}`,
      name,
      title: [this.resource, ...steps, ...(part === 'row' ? [] : [part])].join(' ').replaceAll('_', ' '),
      status: 'active',
      fhirVersion: [types.version],
      resource: this.resource,
      description: `One row per ${what}. Key: ${key.join(', ')}.`,
      select: [{ column: [this.key] }, ...this.nested(0, content)],
    }
  }

  private nested(depth: number, content: GeneratedSelect | undefined): readonly GeneratedSelect[] {
    const step = this.row.steps[depth]
    if (!step) return content ? [content] : []
    const inside = this.nested(depth + 1, content)
    return [
      {
        ...(step.kind === 'repeat' ? { repeat: step.paths } : { forEach: step.paths[0]! }),
        column: [this.places[depth]!],
        ...(inside.length === 0 ? {} : { select: inside }),
      },
    ]
  }
}

function placeColumn({ kind, name }: Step): RowColumn {
  return {
    name: `${name}_index`,
    path: '%rowIndex',
    type: 'integer',
    isMany: false,
    description:
      kind === 'repeat'
        ? 'Place among those of all depths, each before those below it, from 0.'
        : 'Place in its list, from 0.',
  }
}

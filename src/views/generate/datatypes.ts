/** The columns of FHIR's general datatypes: what of a Quantity or a Reference stands in a row. */
import type { FhirTypes } from '../fhir-types.ts'
import { partName } from './naming.ts'
import type { RowColumn } from './row.ts'

/** Of an element of one value: `at` is its FHIRPath from the row ('' the row itself), `element` its FHIR definition. */
export interface Place {
  readonly name: string
  readonly at: string
  readonly element: string
}

/** Undefined for a type that has no form of its own here: its elements are columns. */
export function datatypeColumns(
  type: string,
  place: Place,
  targets: readonly string[],
  types: FhirTypes,
): RowColumn[] | undefined {
  if (type === 'CodeableConcept') {
    const coding = codingColumns({ ...place, at: step(place.at, 'coding.first()') }, ' of the first coding')
    return [...coding, column(place, 'text', 'text', 'string', 'the concept as plain text')]
  }
  if (type === 'Coding') return codingColumns(place, '')
  if (type === 'Reference') return referenceColumns(place, targets)
  if (type === 'Money')
    return [
      column(place, 'value', 'value', 'decimal', 'amount'),
      column(place, 'currency', 'currency', 'code', 'currency of the amount'),
    ]
  if (types.isA(type, 'Quantity'))
    return [
      column(place, 'value', 'value', 'decimal', 'number'),
      column(place, 'comparator', 'comparator', 'code', 'how the number is to be read: <, <=, >= or >'),
      column(place, 'unit', 'unit', 'string', 'unit as text'),
      column(place, 'system', 'system', 'uri', 'code system of the unit'),
      column(place, 'code', 'code', 'code', 'unit as a code'),
    ]
  return undefined
}

function codingColumns(place: Place, of: string): RowColumn[] {
  return [
    column(place, 'code', 'code', 'code', `code${of}`),
    column(place, 'system', 'system', 'uri', `code system${of}`),
    column(place, 'display', 'display', 'string', `display text${of}`),
  ]
}

function referenceColumns(place: Place, targets: readonly string[]): RowColumn[] {
  const to = targets.length === 0 ? 'any resource' : targets.join(', ')
  const key = column(place, 'key', 'getReferenceKey()', 'string', `key of what it refers to (${to})`)
  const display = column(place, 'display', 'display', 'string', 'what it refers to, as plain text')
  const identifier = column(
    place,
    'identifier',
    'identifier.value',
    'string',
    'business identifier of what it refers to',
  )
  if (targets.length === 1) return [key, identifier, display]
  const type: RowColumn = {
    ...column(place, 'type', '', 'string', `type of what it refers to (${to})`),
    path: targets.length === 0 ? typeOfKey(place.at) : typeAmong(place.at, targets),
  }
  return [key, type, identifier, display]
}

/** Keys are `Type/id`, perhaps with the source in front. */
function typeOfKey(at: string): string {
  return `${step(at, 'getReferenceKey()')}.replaceMatches('/[^/]+$', '').replaceMatches('^.*/', '')`
}

/** Several times as fast as regular expressions on every row. */
function typeAmong(at: string, targets: readonly string[]): string {
  return targets.reduceRight(
    (otherwise, target) =>
      `iif(${step(at, `getReferenceKey(${target})`)}.exists(), '${target}'${otherwise && `, ${otherwise}`})`,
    '',
  )
}

function column(place: Place, name: string, path: string, type: string, what: string): RowColumn {
  return {
    name: partName(place.name, name),
    path: step(place.at, path),
    type,
    isMany: false,
    description: `${place.element}: ${what}.`,
  }
}

function step(at: string, next: string): string {
  return at === '' ? next : `${at}.${next}`
}

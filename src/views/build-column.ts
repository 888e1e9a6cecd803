/** One column of a ViewDefinition: its path typed, checked against what is declared, and converted. */
import type { ColumnDefinition } from './definition.ts'
import { parseFhirPath } from './fhirpath/parser.ts'
import { nearestName } from '../core/nearest-name.ts'
import { defaultColumnType, namedColumnType, type ColumnType } from './plan/column-type.ts'
import { call, whole, type Expr } from './plan/expr.ts'
import type { Cell, PlanColumn } from './plan/plan.ts'
import type { DecimalForm } from './plan/shape.ts'
import type { Check, Wanted } from './plan/watch.ts'
import { familyOfType } from './typing/family.ts'
import { resolve } from './typing/resolve.ts'
import { asList, each, NOTHING, single, typeText, type Scope, type Typed } from './typing/typed.ts'
import { ViewError } from './view-error.ts'
import type { PlanOptions } from './build-plan.ts'

export interface BuiltCell {
  readonly cell: Cell
  readonly column: PlanColumn
}

/** A column with a mistake is a column of nothing; the mistake is kept. */
export function buildCell(definition: ColumnDefinition, scope: Scope, options: PlanOptions): BuiltCell {
  const { mistakes } = scope.view
  const { at } = definition
  const declared = mistakes.attempt({ path: `${at}.type` }, () => declaredType(definition, scope), undefined)
  const tagged = mistakes.attempt({ path: `${at}.tag` }, () => taggedType(definition, options.typeTags), undefined)
  const typed = mistakes.attempt(
    { path: definition.path.at },
    () => typedPath(definition, declared, tagged, scope, options),
    NOTHING,
  )
  const from = typed.type.kind === 'value' ? typed.type.name : (declared ?? 'string')
  const fhirType = declared ?? from
  const type = tagged ?? defaultColumnType(fhirType)
  const source = typed.type.kind === 'value' && typed.type.isDouble ? 'double' : from
  const convert = (expr: Expr): Expr => ({ op: 'convert', of: expr, from: source, to: type })
  const value = definition.isCollection
    ? each({ ...typed, expr: asList(typed), isMany: true }, scope.view, (item) => ({
        ...item,
        expr: convert(item.expr),
      })).expr
    : convert(single(typed))
  return {
    cell: {
      name: definition.name,
      value: definition.isCollection ? call('orEmpty', value) : value,
      checks: checksOf(typed, definition.isCollection, type, from, value),
    },
    column: {
      name: definition.name,
      type,
      isList: definition.isCollection,
      fhirType,
      description: definition.description,
    },
  }
}

/** What the column wants that its values may not be; of plain primitives the element's own shape tells (watch.ts). */
function checksOf(typed: Typed, isCollection: boolean, to: ColumnType, from: string, value: Expr): Check[] {
  const checks: Check[] = []
  if (typed.type.kind !== 'value') return checks
  const wanted = to.base === 'text' && from === 'decimal' ? 'numbers' : WANTED[to.base]
  if (typed.isMany && !isCollection)
    checks.push({ wanted: 'single', test: call('less', whole(1), call('count', typed.expr)) })
  // true, false, whole and binary numbers are read as such: what is none never gets here.
  if (
    wanted === undefined ||
    typed.type.isDouble ||
    ['boolean', 'integer', 'long'].includes(defaultColumnType(from).base)
  )
    return checks
  const lost = isCollection
    ? call('less', call('count', value), call('count', asList(typed)))
    : call('and', call('isPresent', single(typed)), call('isMissing', value))
  return [...checks, { wanted, test: lost }]
}

const WANTED: Partial<Record<ColumnType['base'], Wanted>> = {
  boolean: 'true or false',
  integer: 'whole numbers',
  long: 'whole numbers',
  double: 'numbers',
  decimal: 'numbers',
  date: 'dates',
  time: 'times',
  timestamp: 'instants',
  instant: 'instants',
  binary: 'base64',
}

/** @throws ViewError when it gives what the column can't hold. */
function typedPath(
  definition: ColumnDefinition,
  declared: string | undefined,
  tagged: ColumnType | undefined,
  scope: Scope,
  options: PlanOptions,
): Typed {
  const typed = resolve(parseFhirPath(definition.path.text), {
    ...scope,
    decimals: decimalForm(tagged ?? defaultColumnType(declared ?? 'decimal')),
  })
  const from = valueType(typed, declared)
  checkDeclared(from, declared ?? from, typed)
  if (typed.isMany && !definition.isCollection && !typed.isFiltered && !options.judgesValues) {
    throw new ViewError(
      'VIEW_MANY',
      `the path gives ${typeText(typed)}, the column promises one value`,
      {},
      'add .first(), give the column "collection": true, or use forEach',
    )
  }
  const type = tagged ?? defaultColumnType(declared ?? from)
  if (!canBecome(from, type.base)) {
    throw new ViewError(
      'VIEW_TYPE',
      `the path gives ${from}, which never is a ${type.base}`,
      { path: `${definition.at}.tag` },
      'ask for another column type',
    )
  }
  return typed
}

/** Text keeps the digits that a binary number or 15 digits do not. */
function decimalForm(type: ColumnType): DecimalForm {
  if (type.base === 'double') return 'double'
  return type.base === 'text' || (type.base === 'decimal' && type.digits > 15) ? 'digits' : 'short'
}

function valueType({ type, isMany }: Typed, declared: string | undefined): string {
  switch (type.kind) {
    case 'value':
      return type.name
    case 'nothing':
      return declared ?? 'string'
    case 'choice':
      throw new ViewError(
        'VIEW_TYPE',
        `${type.element.name} may be one of several types`,
        {},
        `say which: ${type.element.name}.ofType(${type.element.types[0]})`,
      )
    case 'object':
    case 'resource':
      throw new ViewError(
        'VIEW_UNSUPPORTED',
        `a column holds primitive values, not ${typeText({ type, isMany } as Typed)}`,
        {},
        'name an element of it',
      )
  }
}

function declaredType(definition: ColumnDefinition, scope: Scope): string | undefined {
  if (definition.type === undefined) return undefined
  const name = definition.type
    .replace('http://hl7.org/fhir/StructureDefinition/', '')
    .replace(/^http:\/\/hl7\.org\/fhirpath\/System\.(.)/, (_, letter: string) => letter.toLowerCase())
  const { types } = scope.view
  // integer64 is new in R5; as the type of a column it says what it means.
  if (types.isPrimitive(name) || name === 'integer64') return name
  if (types.isComplex(name))
    throw new ViewError('VIEW_UNSUPPORTED', `a column holds primitive values, not ${name}`, {}, 'name an element of it')
  const nearest = nearestName(name, types.typeNames())
  throw new ViewError('VIEW_UNKNOWN', `there is no type ${name}`, {}, nearest && `did you mean ${nearest}?`)
}

/** A column may be declared as another type of the same family, and a whole number as a decimal. */
function checkDeclared(from: string, declared: string, typed: Typed): void {
  const isFamily = familyOfType(from) === familyOfType(declared)
  const loses = from === 'decimal' && declared !== 'decimal'
  if (isFamily && !loses) return
  throw new ViewError(
    'VIEW_TYPE',
    `the path gives ${typeText(typed)}, the column is declared ${declared}`,
    {},
    `declare it ${from}, or ask for another column type with the tag ansi/type`,
  )
}

/** Text may hold anything; the rest only what it can mean. What does not fit is NULL. */
function canBecome(from: string, base: ColumnType['base']): boolean {
  switch (familyOfType(from)) {
    case 'text':
      return true
    case 'date':
      return ['text', 'date', 'timestamp', 'instant'].includes(base)
    case 'time':
      return base === 'text' || base === 'time'
    case 'boolean':
      return ['text', 'boolean', 'integer', 'long'].includes(base)
    case 'number':
      return ['text', 'integer', 'long', 'double', 'decimal'].includes(base)
  }
}

function taggedType(definition: ColumnDefinition, tags: readonly string[]): ColumnType | undefined {
  for (const tag of tags) {
    const value = definition.tags.get(tag)
    if (value !== undefined) return namedColumnType(value)
  }
  return undefined
}

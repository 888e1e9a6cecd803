/** One step of a path: from a value to its element of a name, or to those of a type. */
import { choiceName, type FhirElement, type FhirTypes } from '../fhir-types.ts'
import { nearestName } from '../../core/nearest-name.ts'
import { call, FALSE, NONE, text, TRUE, type Expr } from '../plan/expr.ts'
import type { Shape } from '../plan/shape.ts'
import { ViewError } from '../view-error.ts'
import { fieldKind } from './family.ts'
import { each, isPresent, keep, NOTHING, typeText, valueOf, type Scope, type Typed } from './typed.ts'

/** @throws ViewError VIEW_UNKNOWN with the nearest right name. */
export function navigate(input: Typed, name: string, at: number, scope: Scope): Typed {
  const { type } = input
  switch (type.kind) {
    case 'nothing':
      return NOTHING
    case 'choice':
      throw new ViewError(
        'VIEW_TYPE',
        `${type.element.name} may be one of several types`,
        { position: at },
        `say which: ${type.element.name}.ofType(${type.element.types[0]}).${name}`,
      )
    case 'resource':
      if (!scope.view.types.element('Resource', name))
        throw new ViewError(
          'VIEW_TYPE',
          'this may be any resource',
          { position: at },
          `say which, like .ofType(Patient).${name}`,
        )
      return navigate(anyResource(input, type.variants, scope), name, at, scope)
    case 'value':
      return ofPrimitive(input, type.name, name, at, scope)
    case 'object': {
      const element = scope.view.types.element(type.name, name)
      if (!element) return unknown(type.name, name, at, scope)
      if (!element.isChoice)
        return each(input, scope.view, (item) => child(item, element, element.name, element.types[0]!, scope))
      return {
        expr: input.expr,
        type: { kind: 'choice', owner: input, element },
        isMany: input.isMany,
        isFiltered: input.isFiltered,
      }
    }
  }
}

/** FHIRPath's own types, as FHIR's. */
const SYSTEM: Readonly<Record<string, string>> = {
  Boolean: 'boolean',
  String: 'string',
  Integer: 'integer',
  Decimal: 'decimal',
  Date: 'date',
  DateTime: 'dateTime',
  Time: 'time',
}

/** `ofType(name)`. Of a choice exactly that alternative; of anything else, the type itself or one it refines. */
export function ofType(input: Typed, named: string, at: number, scope: Scope): Typed {
  const { types } = scope.view
  const name = SYSTEM[named] ?? named
  const { type } = input
  if (type.kind === 'nothing') return NOTHING
  if (!types.isPrimitive(name) && !types.isComplex(name)) throw unknownType(name, types, at)
  if (type.kind === 'choice') {
    const { owner, element } = type
    if (!element.types.includes(name)) {
      if (scope.view.allowsUnknown) return NOTHING
      throw new ViewError(
        'VIEW_TYPE',
        `${element.name} is never a ${name}`,
        { position: at },
        `it may be ${element.types.join(', ')}`,
      )
    }
    const made = each(owner, scope.view, (item) => child(item, element, choiceName(element.name, name), name, scope))
    return { ...made, isFiltered: true }
  }
  if (type.kind === 'resource') return resourcesOf(input, type.variants, name, at, scope)
  if (types.isA(type.name, name)) return input
  if (scope.view.allowsUnknown) return NOTHING
  throw new ViewError('VIEW_TYPE', `this is ${typeText(input)}, never ${name}`, { position: at })
}

/** Whether the value is of the type, as true, false or NULL. */
export function isOfType(input: Typed, named: string, at: number, scope: Scope): Typed {
  const { types } = scope.view
  const name = SYSTEM[named] ?? named
  const { type } = input
  if (type.kind === 'nothing') return NOTHING
  if (!types.isPrimitive(name) && !types.isComplex(name)) throw unknownType(name, types, at)
  const known = (isPresent: Expr, is: Expr): Typed =>
    valueOf('boolean', { op: 'when', test: isPresent, then: is, otherwise: NONE })
  switch (type.kind) {
    case 'choice': {
      const { element, owner } = type
      return each(owner, scope.view, (item) => {
        const present = (wanted: readonly string[]) =>
          wanted
            .map((one) => isPresent(child(item, element, choiceName(element.name, one), one, scope)))
            .reduce((left, right) => call('or', left, right), FALSE)
        return known(present(element.types), present(element.types.filter((one) => types.isA(one, name))))
      })
    }
    case 'resource': {
      if (!types.isResource(name))
        return each(input, scope.view, (item) => known(isPresent(item), types.isA(name, 'Resource') ? TRUE : FALSE))
      return each(input, scope.view, (item) => known(isPresent(item), isResourceOf(item, type.variants, name)))
    }
    default:
      return each(input, scope.view, (item) => known(isPresent(item), types.isA(type.name, name) ? TRUE : FALSE))
  }
}

/** Every alternative of a choice, for exists() and empty(). */
export function alternatives(input: Typed, scope: Scope): Typed[] {
  if (input.type.kind !== 'choice') return [input]
  const { owner, element } = input.type
  return element.types.map((name) =>
    each(owner, scope.view, (item) => child(item, element, choiceName(element.name, name), name, scope)),
  )
}

/** The object in the JSON text `expr`, as a type's. */
export function decoded(expr: Expr, type: string, shape: Shape): Typed {
  return {
    expr: { op: 'decode', of: expr, shape },
    type: { kind: 'object', name: type, shape },
    isMany: false,
    isFiltered: false,
  }
}

export function unknownType(name: string, types: FhirTypes, at: number): ViewError {
  return new ViewError('VIEW_UNKNOWN', `there is no type ${name}`, { position: at }, meant(name, types.typeNames()))
}

/** The element's value as `type`, under its `name` in the JSON. */
function child(owner: Typed, { isMany, targets }: FhirElement, name: string, type: string, scope: Scope): Typed {
  if (owner.type.kind !== 'object') throw new TypeError('only an object has elements')
  const { types } = scope.view
  const { shape } = owner.type
  if (type === 'Resource') {
    const field = shape.field(name, 'any', isMany)
    return {
      expr: { op: 'read', of: owner.expr, field, as: 'json' },
      type: { kind: 'resource', variants: field.shape },
      isMany,
      isFiltered: false,
    }
  }
  if (!types.isPrimitive(type)) {
    const field = shape.field(name, 'object', isMany)
    return {
      expr: { op: 'read', of: owner.expr, field, as: 'value' },
      type: { kind: 'object', name: type, shape: field.shape, targets },
      isMany,
      isFiltered: false,
    }
  }
  const field = shape.field(name, fieldKind(type), isMany)
  if (field.kind !== 'decimal') return valueOf(type, { op: 'read', of: owner.expr, field, as: 'value' }, isMany)
  field.forms.add(scope.decimals)
  const read: Expr = { op: 'read', of: owner.expr, field, as: scope.decimals }
  return { ...valueOf(type, read, isMany), type: { kind: 'value', name: type, isDouble: scope.decimals === 'double' } }
}

function resourcesOf(input: Typed, variants: Shape, name: string, at: number, scope: Scope): Typed {
  if (!scope.view.types.isResource(name)) {
    throw new ViewError('VIEW_TYPE', `${name} is no resource`, { position: at })
  }
  const { shape } = variants.field(name, 'object', false)
  const kept = keep(input, scope.view, (item) => isResourceOf(item, variants, name))
  return { ...each(kept, scope.view, (item) => decoded(item.expr, name, shape)), isFiltered: true }
}

function isResourceOf(item: Typed, variants: Shape, name: string): Expr {
  const { shape } = variants.field(name, 'object', false)
  const field = shape.field('resourceType', 'text', false)
  return call('equal', { op: 'read', of: decoded(item.expr, name, shape).expr, field, as: 'value' }, text(name))
}

/** What every resource has: id, meta, language. */
function anyResource(input: Typed, variants: Shape, scope: Scope): Typed {
  const { shape } = variants.field('Resource', 'object', false)
  return each(input, scope.view, (item) => decoded(item.expr, 'Resource', shape))
}

/** A primitive's id and extensions stand in a sibling of it: `_birthDate` beside `birthDate`. */
function ofPrimitive(input: Typed, type: string, name: string, at: number, scope: Scope): Typed {
  if (name !== 'extension' && name !== 'id') {
    throw new ViewError('VIEW_UNKNOWN', `${type} is a primitive type and has no ${name}`, { position: at })
  }
  const sibling = siblingOf(input.expr)
  if (!sibling) {
    throw new ViewError('VIEW_UNSUPPORTED', `${name} of a primitive is supported right after the element's name only`, {
      position: at,
    })
  }
  const element: Typed = {
    ...input,
    expr: sibling.expr,
    type: { kind: 'object', name: 'Element', shape: sibling.shape },
  }
  return navigate(element, name, at, scope)
}

function siblingOf(expr: Expr): { expr: Expr; shape: Shape } | undefined {
  if (expr.op === 'map' || expr.op === 'flatMap') {
    const body = siblingOf(expr.body)
    return body && { expr: { ...expr, body: body.expr }, shape: body.shape }
  }
  if (expr.op !== 'read') return undefined
  const field = expr.field.owner.field(`_${expr.field.name}`, 'object', expr.field.isMany)
  return { expr: { op: 'read', of: expr.of, field, as: 'value' }, shape: field.shape }
}

function unknown(type: string, name: string, at: number, scope: Scope): Typed {
  const { types } = scope.view
  const elements: FhirElement[] = types.elements(type)
  const choice = elements.find(
    (one) => one.isChoice && one.types.some((alternative) => choiceName(one.name, alternative) === name),
  )
  if (choice) {
    const alternative = choice.types.find((one) => choiceName(choice.name, one) === name)
    throw new ViewError(
      'VIEW_UNKNOWN',
      `${type} has no element ${name}`,
      { position: at },
      `in FHIRPath it is ${choice.name}.ofType(${alternative})`,
    )
  }
  if (scope.view.allowsUnknown) return NOTHING
  throw new ViewError(
    'VIEW_UNKNOWN',
    `${type} has no element ${name}`,
    { position: at },
    meant(
      name,
      elements.map((one) => one.name),
    ),
  )
}

function meant(name: string, candidates: Iterable<string>): string | undefined {
  const nearest = nearestName(name, candidates)
  return nearest === undefined ? undefined : `did you mean ${nearest}?`
}

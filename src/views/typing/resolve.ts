/** FHIRPath tree to typed expression: every step is looked up in the table of FHIR's types. */
import type { Ast } from '../fhirpath/ast.ts'
import { nearestName } from '../../core/nearest-name.ts'
import { call, text, type Expr } from '../plan/expr.ts'
import { ViewError } from '../view-error.ts'
import { BOUNDARIES } from './boundaries.ts'
import { COLLECTIONS } from './collections.ts'
import { CONVERSIONS } from './conversions.ts'
import type { Call, PathFunction } from './function.ts'
import { KEYS } from './keys.ts'
import { isOfType, navigate, ofType } from './navigate.ts'
import { NUMBERS } from './numbers.ts'
import { binary, negative } from './operators.ts'
import { SETS } from './sets.ts'
import { TEXTS } from './texts.ts'
import { NOTHING, single, typeText, valueOf, type Scope, type Typed } from './typed.ts'
import { isWhole } from './family.ts'

const FUNCTIONS: Readonly<Record<string, PathFunction>> = {
  ...COLLECTIONS,
  ...SETS,
  ...TEXTS,
  ...NUMBERS,
  ...BOUNDARIES,
  ...KEYS,
  ...CONVERSIONS,
}

const IMPURE = ['now', 'today', 'timeOfDay']

export function resolve(ast: Ast, scope: Scope): Typed {
  switch (ast.kind) {
    case 'literal':
      return literal(ast.type, ast.value)
    case 'empty':
      return NOTHING
    case 'this':
      return scope.focus
    case 'index':
      if (scope.index) return valueOf('integer', scope.index)
      throw new ViewError('VIEW_SYNTAX', '$index is known inside where(), all() and exists() only', {
        position: ast.at,
      })
    case 'variable':
      return variable(ast.name, ast.at, scope)
    case 'member':
      if (!ast.of && isTypeOfFocus(ast.name, scope)) return scope.focus
      return navigate(ast.of ? resolve(ast.of, scope) : scope.focus, ast.name, ast.at, scope)
    case 'call':
      return apply(ast, scope)
    case 'item': {
      const index = resolve(ast.index, scope)
      if (!isWhole(index))
        throw new ViewError('VIEW_TYPE', `an index is a whole number, not ${typeText(index)}`, { position: ast.at })
      return itemAt(resolve(ast.of, scope), single(index))
    }
    case 'sign': {
      const of = resolve(ast.of, scope)
      return ast.operator === '+' ? of : negative(of, ast.at)
    }
    case 'binary':
      return binary(ast, scope, resolve)
    case 'type':
      return ast.operator === 'is'
        ? isOfType(resolve(ast.of, scope), ast.type, ast.at, scope)
        : ofType(resolve(ast.of, scope), ast.type, ast.at, scope)
  }
}

function literal(type: string, value: string): Typed {
  switch (type) {
    case 'boolean':
      return valueOf(type, { op: 'boolean', value: value === 'true' })
    case 'integer':
      return valueOf(BigInt(value) > 2_147_483_647n ? 'integer64' : type, { op: 'integer', value })
    default:
      return valueOf(type, text(value))
  }
}

function variable(name: string, at: number, scope: Scope): Typed {
  const { constants } = scope.view
  switch (name) {
    case 'context':
      return scope.context
    case 'resource':
    case 'rootResource':
      return scope.root
    case 'rowIndex':
      return valueOf('integer', scope.rowIndex)
    case 'sct':
      return valueOf('string', text('http://snomed.info/sct'))
    case 'loinc':
      return valueOf('string', text('http://loinc.org'))
    case 'ucum':
      return valueOf('string', text('http://unitsofmeasure.org'))
  }
  const constant = constants.get(name)
  if (constant) return constant
  const nearest = nearestName(name, [...constants.keys(), 'rowIndex', 'resource', 'context'])
  throw new ViewError(
    'VIEW_UNKNOWN',
    `there is no constant ${name}`,
    { position: at },
    nearest && `did you mean %${nearest}?`,
  )
}

/** `Patient.name` on a Patient is `name`. */
function isTypeOfFocus(name: string, scope: Scope): boolean {
  const { type } = scope.focus
  return type.kind === 'object' && /^[A-Z]/.test(name) && scope.view.types.isA(type.name, name)
}

function apply(ast: Ast & { kind: 'call' }, scope: Scope): Typed {
  const rule = Object.hasOwn(FUNCTIONS, ast.name) ? FUNCTIONS[ast.name] : undefined
  if (!rule) {
    const nearest = nearestName(ast.name, Object.keys(FUNCTIONS))
    const hint = IMPURE.includes(ast.name)
      ? 'the rows of a resource depend on nothing but the resource'
      : nearest && `did you mean ${nearest}()?`
    throw new ViewError('VIEW_UNSUPPORTED', `the function ${ast.name}() is not supported`, { position: ast.at }, hint)
  }
  const [least, most] = rule.args
  if (ast.args.length < least || ast.args.length > most) {
    const wanted = least === most ? `${least}` : `${least} to ${most}`
    throw new ViewError('VIEW_SYNTAX', `${ast.name}() takes ${wanted} arguments, not ${ast.args.length}`, {
      position: ast.at,
    })
  }
  const inner: Scope = rule.readsDigits ? { ...scope, decimals: 'digits' } : scope
  const given: Call = {
    input: ast.of ? resolve(ast.of, inner) : inner.focus,
    args: ast.args,
    name: ast.name,
    at: ast.at,
    scope,
    // A mistake in an argument must not hide one behind the function.
    resolve: (argument, there) => scope.view.mistakes.attempt({}, () => resolve(argument, there), NOTHING),
  }
  return rule.apply(given)
}

/** The item at a place from 0; what is no list has a place 0 only. */
function itemAt(input: Typed, index: Expr): Typed {
  if (input.isMany) return { ...input, expr: call('at', input.expr, index), isMany: false }
  return index.op === 'integer' && index.value === '0'
    ? input
    : { ...input, expr: call('at', { op: 'list', items: [input.expr] }, index) }
}

/** The shape of a FHIRPath function's rule. */
import type { Ast } from '../fhirpath/ast.ts'
import { ViewError } from '../view-error.ts'
import { familyOf, isWhole } from './family.ts'
import { single, typeText, type Scope, type Typed } from './typed.ts'
import { NONE, type Expr } from '../plan/expr.ts'

export interface Call {
  /** What stands before the dot; without one, the focus. */
  readonly input: Typed
  readonly args: readonly Ast[]
  readonly name: string
  readonly at: number
  readonly scope: Scope
  readonly resolve: (ast: Ast, scope: Scope) => Typed
}

export interface PathFunction {
  /** Least and most arguments. */
  readonly args: readonly [number, number]
  /** True when decimals before the dot are wanted with all their digits. */
  readonly readsDigits?: boolean
  apply(call: Call): Typed
}

/** The argument at `place`, resolved where the function stands; undefined when it is not given. */
export function argument(given: Call, place: number): Typed | undefined {
  const ast = given.args[place]
  return ast && given.resolve(ast, { ...given.scope, decimals: given.scope.decimals === 'double' ? 'double' : 'short' })
}

/** A text argument; `fallback` when it is not given. */
export function textArgument(given: Call, place: number, fallback?: Expr): Expr {
  const typed = argument(given, place)
  if (!typed) {
    if (fallback) return fallback
    throw new ViewError('VIEW_SYNTAX', `${given.name}() needs a text`, { position: given.at })
  }
  if (typed.type.kind === 'nothing') return NONE
  if (familyOf(typed) !== 'text') throw wrongArgument(given, place, typed, 'a text')
  return single(typed)
}

export function wholeArgument(given: Call, place: number): Expr {
  const typed = argument(given, place)
  if (typed?.type.kind === 'nothing') return NONE
  if (!typed || !isWhole(typed)) throw wrongArgument(given, place, typed, 'a whole number')
  return single(typed)
}

/** The name of a type given as argument: `Patient`, `FHIR.Patient`. */
export function typeArgument(given: Call, place: number): string | undefined {
  const ast = given.args[place]
  if (!ast) return undefined
  if (ast.kind === 'member' && !ast.of) return ast.name
  if (ast.kind === 'member' && ast.of?.kind === 'member' && !ast.of.of) {
    if (ast.of.name === 'FHIR') return ast.name
    if (ast.of.name === 'System') return ast.name[0]!.toLowerCase() + ast.name.slice(1)
  }
  throw new ViewError('VIEW_SYNTAX', `${given.name}() takes the name of a type`, { position: ast.at })
}

export function wrongInput(given: Call, wanted: string): ViewError {
  return new ViewError('VIEW_TYPE', `${given.name}() works on ${wanted}, not on ${typeText(given.input)}`, {
    position: given.at,
  })
}

function wrongArgument(given: Call, place: number, typed: Typed | undefined, wanted: string): ViewError {
  const found = typed ? `, not ${typeText(typed)}` : ''
  return new ViewError('VIEW_TYPE', `${given.name}() takes ${wanted}${found}`, {
    position: given.args[place]?.at ?? given.at,
  })
}

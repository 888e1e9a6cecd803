/** FHIRPath functions on collections: existence, filtering, subsets, types, iif (FHIRPath N1, 5.1 to 5.5). */
import { call, FALSE, NONE, TRUE, whole, type Expr } from '../plan/expr.ts'
import { ViewError } from '../view-error.ts'
import { familyOf } from './family.ts'
import { textArgument, typeArgument, wholeArgument, wrongInput, type Call, type PathFunction } from './function.ts'
import { distinctItems } from './sets.ts'
import { alternatives, isOfType, navigate, ofType } from './navigate.ts'
import {
  asList,
  condition,
  each,
  isPresent,
  keep,
  NOTHING,
  single,
  truth,
  typeText,
  valueOf,
  type Scope,
  type Typed,
} from './typed.ts'

export const COLLECTIONS: Readonly<Record<string, PathFunction>> = {
  where: { args: [1, 1], apply: (given) => filtered(given) },
  exists: {
    args: [0, 1],
    apply: (given) => truth(existence(given.args.length > 0 ? filtered(given) : given.input, given.scope)),
  },
  empty: { args: [0, 0], apply: ({ input, scope }) => truth(call('not', existence(input, scope))) },
  hasValue: { args: [0, 0], apply: (given) => truth(familyOf(given.input) ? isPresent(one(given.input)) : FALSE) },
  not: { args: [0, 0], apply: ({ input, at }) => truth(call('not', condition(input, at))) },
  all: { args: [1, 1], apply: (given) => truth(call('not', isPresent(unmet(given)))) },
  allTrue: { args: [0, 0], apply: (given) => truth(call('not', isPresent(booleans(given, false)))) },
  anyTrue: { args: [0, 0], apply: (given) => truth(isPresent(booleans(given, true))) },
  allFalse: { args: [0, 0], apply: (given) => truth(call('not', isPresent(booleans(given, true)))) },
  anyFalse: { args: [0, 0], apply: (given) => truth(isPresent(booleans(given, false))) },
  count: {
    args: [0, 0],
    apply: ({ input, scope }) => valueOf('integer', call('count', asList(present(input, scope)))),
  },
  first: {
    args: [0, 0],
    apply: ({ input, at }) =>
      placed(plain(input, at), (list) => {
        const items = distinctItems(list)
        return items ? call('coalesce', ...items) : call('at', list, whole(0))
      }),
  },
  last: { args: [0, 0], apply: ({ input, at }) => placed(plain(input, at), (list) => call('last', list)) },
  single: { args: [0, 0], apply: ({ input, at }) => ({ ...plain(input, at), expr: single(input), isMany: false }) },
  tail: { args: [0, 0], apply: (given) => sliced(given, whole(1), undefined) },
  skip: { args: [1, 1], apply: (given) => sliced(given, wholeArgument(given, 0), undefined) },
  take: { args: [1, 1], apply: (given) => sliced(given, whole(0), wholeArgument(given, 0)) },
  select: {
    args: [1, 1],
    apply: ({ input, args, scope, resolve, at }) =>
      each(plain(input, at), scope.view, (item) => resolve(args[0]!, { ...scope, focus: item })),
  },
  ofType: { args: [1, 1], apply: (given) => ofType(given.input, typeArgument(given, 0)!, given.at, given.scope) },
  as: { args: [1, 1], apply: (given) => ofType(given.input, typeArgument(given, 0)!, given.at, given.scope) },
  is: { args: [1, 1], apply: (given) => isOfType(given.input, typeArgument(given, 0)!, given.at, given.scope) },
  extension: { args: [1, 1], apply: (given) => extension(given) },
  iif: { args: [2, 3], apply: (given) => choose(given) },
}

function filtered({ input, args, scope, resolve, at }: Call): Typed {
  if (input.type.kind === 'nothing') return NOTHING
  return keep(plain(input, at), scope.view, (item, index) =>
    condition(resolve(args[0]!, criteria(scope, item, index)), args[0]!.at),
  )
}

/** The items for which the criterion is not true. */
function unmet({ input, args, scope, resolve, at }: Call): Typed {
  if (input.type.kind === 'nothing') return NOTHING
  return keep(plain(input, at), scope.view, (item, index) => {
    const met = condition(resolve(args[0]!, criteria(scope, item, index)), args[0]!.at)
    const failed: Expr = call('not', { op: 'when', test: met, then: TRUE, otherwise: FALSE })
    return input.isMany ? failed : call('and', call('isPresent', item.expr), failed)
  })
}

function criteria(scope: Scope, focus: Typed, index: Expr): Scope {
  return { ...scope, focus, index, decimals: scope.decimals === 'double' ? 'double' : 'short' }
}

function existence(input: Typed, scope: Scope): Expr {
  if (input.type.kind !== 'choice') return isPresent(input)
  return alternatives(input, scope)
    .map(isPresent)
    .reduce((left, right) => call('or', left, right))
}

/** Of a choice, its owners that have any alternative. */
function present(input: Typed, scope: Scope): Typed {
  const { type } = input
  if (type.kind !== 'choice') return input
  return keep(type.owner, scope.view, (item) =>
    existence({ ...input, type: { ...type, owner: item }, isMany: false }, scope),
  )
}

function booleans(given: Call, wanted: boolean): Typed {
  if (given.input.type.kind === 'nothing') return NOTHING
  if (familyOf(given.input) !== 'boolean') throw wrongInput(given, 'true and false')
  return keep(given.input, given.scope.view, (item) => (wanted ? item.expr : call('not', item.expr)))
}

function placed(input: Typed, place: (list: Expr) => Expr): Typed {
  return input.isMany ? { ...input, expr: place(input.expr), isMany: false } : input
}

function sliced(given: Call, from: Expr, count: Expr | undefined): Typed {
  const input = plain(given.input, given.at)
  if (input.type.kind === 'nothing') return NOTHING
  return {
    ...input,
    expr: call('slice', asList(input), from, ...(count ? [count] : [])),
    isMany: true,
    isFiltered: true,
  }
}

function one(input: Typed): Typed {
  return { ...input, expr: single(input), isMany: false }
}

/** A choice has no value of its own until ofType() says which. */
function plain(input: Typed, at: number): Typed {
  if (input.type.kind !== 'choice') return input
  throw new ViewError(
    'VIEW_TYPE',
    `${input.type.element.name} may be one of several types`,
    { position: at },
    `say which: ${input.type.element.name}.ofType(${input.type.element.types[0]})`,
  )
}

function extension(given: Call): Typed {
  const { input, scope, at } = given
  const url = textArgument(given, 0)
  const extensions = navigate(input, 'extension', at, scope)
  if (extensions.type.kind !== 'object') return extensions
  const field = extensions.type.shape.field('url', 'text', false)
  return keep(extensions, scope.view, (item) => call('equal', { op: 'read', of: item.expr, field, as: 'value' }, url))
}

function choose({ args, scope, resolve, at }: Call): Typed {
  const test = condition(resolve(args[0]!, scope), args[0]!.at)
  const then = resolve(args[1]!, scope)
  const otherwise = args[2] ? resolve(args[2], scope) : NOTHING
  const model = then.type.kind === 'nothing' ? otherwise : then
  if (model.type.kind === 'nothing') return NOTHING
  if (model.type.kind !== 'value')
    throw new ViewError('VIEW_UNSUPPORTED', 'iif() is supported for primitive values only', { position: at })
  for (const branch of [then, otherwise]) {
    if (branch.type.kind !== 'nothing' && familyOf(branch) !== familyOf(model)) {
      throw new ViewError('VIEW_TYPE', `iif() gives either ${typeText(then)} or ${typeText(otherwise)}`, {
        position: at,
      })
    }
  }
  const isMany = then.isMany || otherwise.isMany
  const side = (branch: Typed): Expr => (branch.type.kind === 'nothing' ? NONE : isMany ? asList(branch) : branch.expr)
  return {
    ...model,
    expr: { op: 'when', test, then: side(then), otherwise: side(otherwise) },
    isMany,
    isFiltered: true,
  }
}

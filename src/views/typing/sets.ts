/** Collections as sets (FHIRPath N1, 5.3, 6.4 and 6.5): what counts as the same item is what `=` says. */
import { call, FALSE, NONE, TRUE, type Expr } from '../plan/expr.ts'
import { comparable, comparableFamily, comparableItems, type Place } from './comparison.ts'
import { familyOf, isWhole, type Family } from './family.ts'
import { argument, wrongInput, type Call, type PathFunction } from './function.ts'
import { asList, isAbsent, isPresent, keep, NOTHING, single, truth, valueOf, type Typed } from './typed.ts'

export const SETS: Readonly<Record<string, PathFunction>> = {
  distinct: {
    args: [0, 0],
    apply: (given) =>
      given.input.isMany ? { ...given.input, expr: distinctList(primitive(given), given.input) } : given.input,
  },
  isDistinct: {
    args: [0, 0],
    apply(given) {
      if (!given.input.isMany) return truth(TRUE)
      const all = given.input
      return truth(call('equal', call('count', all.expr), call('count', distinctList(primitive(given), all))))
    },
  },
  union: withOther((given, other) => union(given.input, other, placeOf(given))),
  combine: withOther((given, other) => {
    const [left, right] = unified(given.input, other, placeOf(given))
    return { ...left, expr: call('concat', asList(left), asList(right)), isMany: true, isFiltered: true }
  }),
  intersect: withOther((given, other) => ({ ...common(given, given.input, other, true), isFiltered: true })),
  exclude: withOther((given, other) => common(given, given.input, other, false)),
  subsetOf: withOther((given, other) => truth(call('not', isPresent(common(given, given.input, other, false))))),
  supersetOf: withOther((given, other) => truth(call('not', isPresent(common(given, other, given.input, false))))),
}

export function union(left: Typed, right: Typed, place: Place): Typed {
  if (left.type.kind === 'nothing') return right
  if (right.type.kind === 'nothing') return left
  const [one, other] = unified(left, right, place)
  const family = familyOf(one)!
  const alone = [...onlyItems(one), ...onlyItems(other)]
  const joined: Expr = alone.includes(undefined)
    ? call('concat', asList(one), asList(other))
    : { op: 'list', items: alone.filter((item) => item !== undefined) }
  const all: Typed = { ...one, expr: joined, isMany: true, isFiltered: true }
  return { ...all, expr: distinctList(family, all) }
}

/** `in` and, the other way round, `contains`. */
export function membership(item: Typed, collection: Typed, place: Place): Typed {
  if (item.type.kind === 'nothing') return truth(NONE)
  const isIn =
    collection.type.kind === 'nothing'
      ? FALSE
      : isItem(comparableFamily(item, collection, place)!, { ...item, expr: single(item), isMany: false }, collection)
  return truth({ op: 'when', test: isAbsent(item), then: NONE, otherwise: isIn })
}

/** The operands of a union of single values, the first of which is a plain coalesce. */
export function distinctItems(expr: Expr): readonly Expr[] | undefined {
  if (expr.op !== 'call' || (expr.name !== 'distinct' && expr.name !== 'distinctBy')) return undefined
  const list = expr.args[0]
  return list?.op === 'list' ? list.items : undefined
}

function isItem(family: Family, item: Typed, list: Typed): Expr {
  const keys = call('orEmpty', comparableItems(family, { ...list, expr: asList(list), isMany: true }))
  return { op: 'when', test: call('includes', keys, comparable(family, item)), then: TRUE, otherwise: FALSE }
}

/** Items of `left` that are in `right`, or that are not. */
function common(given: Call, left: Typed, right: Typed, areIn: boolean): Typed {
  if (left.type.kind === 'nothing') return NOTHING
  if (right.type.kind === 'nothing') return areIn ? NOTHING : left
  const family = comparableFamily(left, right, placeOf(given))!
  const many = {
    ...left,
    expr: areIn ? distinctList(family, { ...left, expr: asList(left) }) : asList(left),
    isMany: true,
  }
  return keep(many, given.scope.view, (item) =>
    areIn ? isItem(family, item, right) : call('not', isItem(family, item, right)),
  )
}

function distinctList(family: Family, list: Typed): Expr {
  const keys = comparableItems(family, list)
  return keys === list.expr ? call('distinct', list.expr) : call('distinctBy', list.expr, keys)
}

/** Whole numbers beside decimals become decimals: a list has one type. */
function unified(left: Typed, right: Typed, place: Place): readonly [Typed, Typed] {
  if (left.type.kind === 'nothing') return [right, { ...right, expr: NONE, isMany: false }]
  if (right.type.kind === 'nothing') return [left, { ...left, expr: NONE, isMany: false }]
  comparableFamily(left, right, place)
  if (familyOf(left) !== 'number' || isWhole(left) === isWhole(right)) return [left, right]
  return isWhole(left) ? [asDecimal(left), right] : [left, asDecimal(right)]
}

function asDecimal(whole: Typed): Typed {
  const text = (of: Expr): Expr => ({ op: 'convert', of, from: 'integer', to: { base: 'text' } })
  if (!whole.isMany) return valueOf('decimal', text(whole.expr))
  const body = text({ op: 'var', name: '__d' })
  return valueOf('decimal', { op: 'map', list: whole.expr, item: '__d', body }, true, whole.isFiltered)
}

/** The single values that a side consists of; undefined when it is a list of unknown length. */
function onlyItems({ expr, isMany }: Typed): readonly (Expr | undefined)[] {
  if (!isMany) return [expr]
  return distinctItems(expr) ?? [undefined]
}

function withOther(apply: (given: Call, other: Typed) => Typed): PathFunction {
  return { args: [1, 1], apply: (given) => apply(given, argument(given, 0)!) }
}

function placeOf({ name, at }: Call): Place {
  return { operator: name, at }
}

/** @throws ViewError for what is no primitive. */
function primitive(given: Call): Family {
  const family = familyOf(given.input)
  if (!family) throw wrongInput(given, 'primitive values')
  return family
}

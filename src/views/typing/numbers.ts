/** FHIRPath's functions on numbers and its conversions (FHIRPath N1, 5.5 and 5.7). */
import { call, NONE, whole, type Expr, type Primitive } from '../plan/expr.ts'
import { familyOf, isWhole } from './family.ts'
import { wholeArgument, wrongInput, type Call, type PathFunction } from './function.ts'
import { NOTHING, single, valueOf, type Typed } from './typed.ts'

const asText: PathFunction = {
  args: [0, 0],
  readsDigits: true,
  apply: (given) =>
    converted(given, 'string', (expr, family) =>
      family === 'boolean' || family === 'number'
        ? { op: 'convert', of: expr, from: 'string', to: { base: 'text' } }
        : expr,
    ),
}

export const NUMBERS: Readonly<Record<string, PathFunction>> = {
  abs: {
    args: [0, 0],
    apply: (given) =>
      onNumber(given, (expr) => valueOf(isWhole(given.input) ? 'integer' : 'decimal', call('abs', expr))),
  },
  ceiling: toWhole('ceiling'),
  floor: toWhole('floor'),
  truncate: toWhole('truncate'),
  round: {
    args: [0, 1],
    apply(given) {
      const places = given.args.length > 0 ? wholeArgument(given, 0) : whole(0)
      return onNumber(given, (expr) => valueOf('decimal', call('round', expr, places)))
    },
  },
  toInteger: {
    args: [0, 0],
    apply: (given) =>
      converted(given, 'integer', (expr, family) =>
        family === 'boolean' ? fromBoolean(expr, whole(1), whole(0)) : call('toInteger', expr),
      ),
  },
  toDecimal: {
    args: [0, 0],
    apply: (given) =>
      converted(given, 'decimal', (expr, family) =>
        family === 'boolean'
          ? fromBoolean(expr, call('toDecimal', whole(1)), call('toDecimal', whole(0)))
          : call('toDecimal', expr),
      ),
  },
  toString: asText,
}

function toWhole(name: Primitive): PathFunction {
  return { args: [0, 0], apply: (given) => onNumber(given, (expr) => valueOf('integer', call(name, expr))) }
}

function onNumber(given: Call, work: (expr: Expr) => Typed): Typed {
  if (given.input.type.kind === 'nothing') return NOTHING
  if (familyOf(given.input) !== 'number') throw wrongInput(given, 'numbers')
  return work(single(given.input))
}

function converted(given: Call, type: string, work: (expr: Expr, family: string) => Expr): Typed {
  if (given.input.type.kind === 'nothing') return NOTHING
  const family = familyOf(given.input)
  if (!family) throw wrongInput(given, 'a primitive value')
  return valueOf(type, work(single(given.input), family))
}

function fromBoolean(expr: Expr, yes: Expr, no: Expr): Expr {
  return {
    op: 'when',
    test: expr,
    then: yes,
    otherwise: { op: 'when', test: call('not', expr), then: no, otherwise: NONE },
  }
}

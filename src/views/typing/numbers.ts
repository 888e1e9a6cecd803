/** FHIRPath's functions on numbers (FHIRPath N1, 5.7). */
import { call, whole, type Expr, type Primitive } from '../plan/expr.ts'
import { familyOf, isWhole } from './family.ts'
import { wholeArgument, wrongInput, type Call, type PathFunction } from './function.ts'
import { NOTHING, single, valueOf, type Typed } from './typed.ts'

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
}

function toWhole(name: Primitive): PathFunction {
  return { args: [0, 0], apply: (given) => onNumber(given, (expr) => valueOf('integer', call(name, expr))) }
}

function onNumber(given: Call, work: (expr: Expr) => Typed): Typed {
  if (given.input.type.kind === 'nothing') return NOTHING
  if (familyOf(given.input) !== 'number') throw wrongInput(given, 'numbers')
  return work(single(given.input))
}

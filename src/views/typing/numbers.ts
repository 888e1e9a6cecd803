/** FHIRPath's functions on numbers (FHIRPath N1, 5.7). */
import { call, whole, type Expr, type Primitive } from '../plan/expr.ts'
import { ViewError } from '../view-error.ts'
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
      if (places.op !== 'integer' || places.value.startsWith('-'))
        throw new ViewError('VIEW_UNSUPPORTED', 'round() takes its places as a number in the text, 0 or more', {
          position: given.args[0]!.at,
        })
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

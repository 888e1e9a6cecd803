/** lowBoundary() and highBoundary(): the least and greatest value that a value of its precision may stand for. */
import { call, type Primitive } from '../plan/expr.ts'
import { wrongInput, type Call, type PathFunction } from './function.ts'
import { isWhole } from './family.ts'
import { NOTHING, single, valueOf, type Typed } from './typed.ts'

export const BOUNDARIES: Readonly<Record<string, PathFunction>> = {
  lowBoundary: { args: [0, 0], readsDigits: true, apply: (given) => boundary(given, LOW) },
  highBoundary: { args: [0, 0], readsDigits: true, apply: (given) => boundary(given, HIGH) },
}

type Edge = Readonly<Record<'decimal' | 'date' | 'dateTime' | 'time', Primitive>>
const LOW: Edge = { decimal: 'lowDecimal', date: 'lowDate', dateTime: 'lowDateTime', time: 'lowTime' }
const HIGH: Edge = { decimal: 'highDecimal', date: 'highDate', dateTime: 'highDateTime', time: 'highTime' }

function boundary(given: Call, edge: Edge): Typed {
  const { type } = given.input
  if (type.kind === 'nothing') return NOTHING
  if (type.kind !== 'value') throw wrongInput(given, 'decimals, dates and times')
  const expr = single(given.input)
  if (type.name === 'decimal' || isWhole(given.input)) return valueOf('decimal', call(edge.decimal, expr))
  if (type.name === 'instant') return valueOf('instant', call(edge.dateTime, expr))
  if (type.name === 'date' || type.name === 'dateTime' || type.name === 'time')
    return valueOf(type.name, call(edge[type.name], expr))
  throw wrongInput(given, 'decimals, dates and times')
}

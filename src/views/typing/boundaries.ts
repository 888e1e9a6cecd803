/** lowBoundary() and highBoundary(): the least and greatest value that a value of its precision may stand for. */
import { call, whole, type Expr, type Primitive } from '../plan/expr.ts'
import { ViewError } from '../view-error.ts'
import { argument, wrongInput, type Call, type PathFunction } from './function.ts'
import { isWhole } from './family.ts'
import { navigate } from './navigate.ts'
import { NOTHING, single, valueOf, type Typed } from './typed.ts'

export const BOUNDARIES: Readonly<Record<string, PathFunction>> = {
  lowBoundary: { args: [0, 1], readsDigits: true, apply: (given) => boundary(given, LOW) },
  highBoundary: { args: [0, 1], readsDigits: true, apply: (given) => boundary(given, HIGH) },
}

type Edge = Readonly<Record<'decimal' | 'date' | 'dateTime' | 'time', Primitive>> & {
  readonly period: 'start' | 'end'
  readonly cut: 'floorTo' | 'ceilTo'
}
const LOW: Edge = {
  decimal: 'lowDecimal',
  date: 'lowDate',
  dateTime: 'lowDateTime',
  time: 'lowTime',
  period: 'start',
  cut: 'floorTo',
}
const HIGH: Edge = {
  decimal: 'highDecimal',
  date: 'highDate',
  dateTime: 'highDateTime',
  time: 'highTime',
  period: 'end',
  cut: 'ceilTo',
}

function boundary(given: Call, edge: Edge): Typed {
  const { type } = given.input
  if (type.kind === 'nothing') return NOTHING
  if (type.kind === 'object' && type.name === 'Period')
    return boundary({ ...given, input: navigate(given.input, edge.period, given.at, given.scope) }, edge)
  if (type.kind !== 'value') throw wrongInput(given, 'decimals, dates, times and Period')
  const places = precision(given)
  const expr = single(given.input)
  if (type.name === 'decimal' || isWhole(given.input)) {
    const text: Expr = isWhole(given.input) ? { op: 'convert', of: expr, from: 'integer', to: { base: 'text' } } : expr
    const exact = call(edge.decimal, text)
    return valueOf('decimal', places === undefined ? exact : call(edge.cut, exact, whole(places)))
  }
  // As the specification's column types have it, an instant stays one.
  const kind = type.name === 'instant' ? 'dateTime' : type.name
  if (kind !== 'date' && kind !== 'dateTime' && kind !== 'time')
    throw wrongInput(given, 'decimals, dates, times and Period')
  const full = call(edge[kind], expr)
  if (places === undefined) return valueOf(type.name, full)
  const letters = LETTERS[kind][places]
  if (letters === undefined) return { ...NOTHING, type: { kind: 'value', name: type.name } }
  return valueOf(type.name, letters === 0 ? full : call('substring', full, whole(0), whole(letters)))
}

/** A precision in digits to letters of the text, 0 for all. A time without its parts has no offset either. */
const LETTERS: Readonly<Record<'date' | 'dateTime' | 'time', Readonly<Record<number, number>>>> = {
  date: { 4: 4, 6: 7, 8: 0 },
  dateTime: { 4: 4, 6: 7, 8: 10, 10: 13, 12: 16, 14: 19, 17: 0 },
  time: { 2: 2, 4: 5, 6: 8, 9: 0 },
}

function precision(given: Call): number | undefined {
  const typed = argument(given, 0)
  if (!typed) return undefined
  if (typed.expr.op === 'integer' && isWhole(typed)) return Number(typed.expr.value)
  throw new ViewError('VIEW_UNSUPPORTED', `${given.name}() takes its precision as a number in the text`, {
    position: given.args[0]!.at,
  })
}

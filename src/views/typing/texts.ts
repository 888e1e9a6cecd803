/** FHIRPath's functions on texts (FHIRPath N1, 5.6) and join(). */
import { call, text, type Primitive } from '../plan/expr.ts'
import { familyOf } from './family.ts'
import { textArgument, wholeArgument, wrongInput, type Call, type PathFunction } from './function.ts'
import { patternArgument, substitution } from './patterns.ts'
import { asList, NOTHING, single, valueOf, type Typed } from './typed.ts'

export const TEXTS: Readonly<Record<string, PathFunction>> = {
  join: {
    args: [0, 1],
    apply(given) {
      const separator = textArgument(given, 0, text(''))
      return onText(given, () => valueOf('string', call('join', asList(given.input), separator)))
    },
  },
  startsWith: withText('startsWith', 'boolean'),
  endsWith: withText('endsWith', 'boolean'),
  contains: withText('containsText', 'boolean'),
  matches: withPattern('matches'),
  matchesFull: withPattern('matchesFull'),
  indexOf: withText('indexOf', 'integer'),
  lastIndexOf: withText('lastIndexOf', 'integer'),
  replace: withTwoTexts('replace'),
  replaceMatches: {
    args: [2, 2],
    apply: (given) =>
      onText(given, () => {
        const pattern = patternArgument(given, 0)
        return valueOf('string', call('replaceMatches', single(given.input), pattern, substitution(given, pattern)))
      }),
  },
  length: alone('length', 'integer'),
  upper: alone('upper', 'string'),
  lower: alone('lower', 'string'),
  trim: alone('trim', 'string'),
  substring: {
    args: [1, 2],
    apply(given) {
      const places = given.args.map((_, place) => wholeArgument(given, place))
      return onText(given, () => valueOf('string', call('substring', single(given.input), ...places)))
    },
  },
  toChars: {
    args: [0, 0],
    apply: (given) => onText(given, () => valueOf('string', call('split', single(given.input), text('')), true)),
  },
  split: {
    args: [1, 1],
    apply(given) {
      const separator = textArgument(given, 0)
      return onText(given, () => valueOf('string', call('split', single(given.input), separator), true))
    },
  },
}

function alone(name: Primitive, type: string): PathFunction {
  return { args: [0, 0], apply: (given) => onText(given, () => valueOf(type, call(name, single(given.input)))) }
}

function withText(name: Primitive, type: string): PathFunction {
  return {
    args: [1, 1],
    apply: (given) => onText(given, () => valueOf(type, call(name, single(given.input), textArgument(given, 0)))),
  }
}

function withPattern(name: Primitive): PathFunction {
  return {
    args: [1, 1],
    apply: (given) =>
      onText(given, () => valueOf('boolean', call(name, single(given.input), patternArgument(given, 0)))),
  }
}

function withTwoTexts(name: Primitive): PathFunction {
  return {
    args: [2, 2],
    apply: (given) =>
      onText(given, () =>
        valueOf('string', call(name, single(given.input), textArgument(given, 0), textArgument(given, 1))),
      ),
  }
}

/** Dates and times are kept as text and may be read so. */
function onText(given: Call, work: () => Typed): Typed {
  if (given.input.type.kind === 'nothing') return NOTHING
  const family = familyOf(given.input)
  if (family !== 'text' && family !== 'date' && family !== 'time') throw wrongInput(given, 'text')
  return work()
}

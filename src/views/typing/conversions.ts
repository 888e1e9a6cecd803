/** FHIRPath's conversions, toX() and convertsToX() (FHIRPath N1, 5.5). */
import { call, FALSE, NONE, text, TRUE, whole, type Expr } from '../plan/expr.ts'
import { familyOf, type Family } from './family.ts'
import { wrongInput, type Call, type PathFunction } from './function.ts'
import { isAbsent, NOTHING, single, truth, valueOf } from './typed.ts'

type Convert = (value: Expr, family: Family) => Expr

const TIME = String.raw`\d\d(:\d\d(:\d\d(\.\d+)?)?)?`
const DATE = String.raw`\d{4}(-\d\d(-\d\d)?)?`

const TO: Readonly<Record<string, { readonly type: string; readonly convert: Convert }>> = {
  Boolean: {
    type: 'boolean',
    convert: (value, family) =>
      family === 'boolean' ? value : fromTexts(asText(value, family), ['true', 't', 'yes', 'y', '1', '1.0']),
  },
  Integer: {
    type: 'integer',
    convert: (value, family) =>
      family === 'boolean' ? fromBoolean(value, whole(1), whole(0)) : call('toInteger', value),
  },
  Decimal: {
    type: 'decimal',
    convert: (value, family) =>
      family === 'boolean'
        ? fromBoolean(value, call('toDecimal', whole(1)), call('toDecimal', whole(0)))
        : call('toDecimal', value),
  },
  String: { type: 'string', convert: asText },
  Date: {
    type: 'date',
    convert: (value, family) =>
      shaped(call('substring', asText(value, family), whole(0), whole(10)), asText(value, family), `${DATE}(T.*)?`),
  },
  DateTime: {
    type: 'dateTime',
    convert: (value, family) => matching(value, family, `${DATE}(T(${TIME}(Z|[+-]\\d\\d:\\d\\d)?)?)?`),
  },
  Time: { type: 'time', convert: (value, family) => matching(value, family, TIME) },
}

export const CONVERSIONS: Readonly<Record<string, PathFunction>> = Object.fromEntries(
  Object.entries(TO).flatMap(([name, { type, convert }]): [string, PathFunction][] => [
    [`to${name}`, conversion((_, value, family) => valueOf(type, convert(value, family)))],
    [
      `convertsTo${name}`,
      conversion((given, value, family) => {
        const isOne: Expr = call('isPresent', convert(value, family))
        return truth({ op: 'when', test: isAbsent(given.input), then: NONE, otherwise: isOne })
      }),
    ],
  ]),
)

function conversion(
  apply: (given: Call, value: Expr, family: Family) => ReturnType<PathFunction['apply']>,
): PathFunction {
  return {
    args: [0, 0],
    readsDigits: true,
    apply(given) {
      if (given.input.type.kind === 'nothing') return NOTHING
      const family = familyOf(given.input)
      if (!family) throw wrongInput(given, 'a primitive value')
      return apply(given, single(given.input), family)
    },
  }
}

function asText(value: Expr, family: Family): Expr {
  const isText = family !== 'boolean' && family !== 'number'
  return isText
    ? value
    : { op: 'convert', of: value, from: family === 'boolean' ? 'boolean' : 'integer', to: { base: 'text' } }
}

function fromTexts(value: Expr, yes: readonly string[]): Expr {
  const no = ['false', 'f', 'no', 'n', '0', '0.0']
  const is = (words: readonly string[]) =>
    call('includes', { op: 'list', items: words.map(text) }, call('lower', value))
  return {
    op: 'when',
    test: is(yes),
    then: TRUE,
    otherwise: { op: 'when', test: is(no), then: FALSE, otherwise: NONE },
  }
}

function matching(value: Expr, family: Family, pattern: string): Expr {
  return shaped(asText(value, family), asText(value, family), pattern)
}

function shaped(then: Expr, value: Expr, pattern: string): Expr {
  return { op: 'when', test: call('matches', value, text(`^(${pattern})$`)), then, otherwise: NONE }
}

function fromBoolean(value: Expr, yes: Expr, no: Expr): Expr {
  return {
    op: 'when',
    test: value,
    then: yes,
    otherwise: { op: 'when', test: call('not', value), then: no, otherwise: NONE },
  }
}

/** When two values are equal, and which is less: by the family of their types. */
import { call, FALSE, NONE, TRUE, type Expr, type Primitive } from '../plan/expr.ts'
import { ViewError } from '../view-error.ts'
import { familyOf, isWhole, type Family } from './family.ts'
import { typeText, type Typed } from './typed.ts'

/** What compares, and where it stands. */
export interface Place {
  readonly operator: string
  readonly at: number
}

/**
 * The family both sides belong to; undefined when one side is always empty.
 * FHIRPath calls values of different types unequal, or refuses; here it is a mistake of the view.
 * @throws ViewError VIEW_TYPE
 */
export function comparableFamily(left: Typed, right: Typed, { operator, at }: Place): Family | undefined {
  if (left.type.kind === 'nothing' || right.type.kind === 'nothing') return undefined
  const [one, other] = [familyOf(left), familyOf(right)]
  if (one && one === other) return one
  const hint =
    one === 'date' || other === 'date'
      ? 'a date is written @2012-04-01, an instant @2012-04-01T10:00:00Z'
      : left.type.kind === 'choice' || right.type.kind === 'choice'
        ? 'say which type it is with ofType()'
        : undefined
  throw new ViewError(
    'VIEW_TYPE',
    `${typeText(left)} ${operator} ${typeText(right)} compares values of different types`,
    { position: at },
    hint,
  )
}

/** Both single values. */
export function equalValues(family: Family, left: Typed, right: Typed): Expr {
  if (family !== 'date') return call('equal', comparable(family, left), comparable(family, right))
  return byPrecision(left.expr, right.expr, 'equal', FALSE)
}

export function lessValues(family: Family, left: Typed, right: Typed): Expr {
  if (family !== 'date') return call('less', comparable(family, left), comparable(family, right))
  return byPrecision(left.expr, right.expr, 'less', TRUE)
}

export function lessOrEqualValues(family: Family, left: Typed, right: Typed): Expr {
  if (family !== 'date') return call('lessOrEqual', comparable(family, left), comparable(family, right))
  return byPrecision(left.expr, right.expr, 'lessOrEqual', TRUE)
}

/** `comparable` of each item of a list. */
export function comparableItems(family: Family, list: Typed): Expr {
  if (!list.isMany) return { op: 'list', items: [comparable(family, list)] }
  if (family === 'text' || family === 'boolean' || (family === 'number' && isWhole(list))) return list.expr
  const item: Typed = { ...list, expr: { op: 'var', name: '__c' }, isMany: false }
  return { op: 'map', list: list.expr, item: '__c', body: comparable(family, item) }
}

/** A value that is the same for all that are equal. Dates are: the same instant at the same precision. */
export function comparable(family: Family, value: Typed): Expr {
  if (family === 'number') return numberOf(value)
  if (family === 'time') return { op: 'convert', of: value.expr, from: 'time', to: { base: 'time' } }
  return family === 'date' ? call('dateKey', value.expr) : value.expr
}

function numberOf(value: Typed): Expr {
  const isNumber = isWhole(value) || (value.type.kind === 'value' && value.type.isDouble === true)
  return isNumber ? value.expr : call('number', value.expr)
}

/**
 * Of equal precision: their first instants. Else each is a stretch of time: apart, the answer is known
 * (`before` when the left one comes first); overlapping, it is not, and FHIRPath says empty.
 */
function byPrecision(left: Expr, right: Expr, compare: Primitive, before: Expr): Expr {
  const apart: Expr = {
    op: 'when',
    test: call('lessOrEqual', call('endInstant', left), call('firstInstant', right)),
    then: before,
    otherwise: {
      op: 'when',
      test: call('lessOrEqual', call('endInstant', right), call('firstInstant', left)),
      then: FALSE,
      otherwise: NONE,
    },
  }
  const same = call(compare, call('firstInstant', left), call('firstInstant', right))
  return {
    op: 'when',
    test: call('equal', call('precision', left), call('precision', right)),
    then: same,
    otherwise: apart,
  }
}

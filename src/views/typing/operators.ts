/** FHIRPath's operators with its empty-collection and three-valued rules (FHIRPath N1, section 6). */
import type { Ast, BinaryOperator } from '../fhirpath/ast.ts'
import { call, FALSE, NONE, text, type Expr, type Primitive } from '../plan/expr.ts'
import { ViewError } from '../view-error.ts'
import { comparableFamily, comparableItems, equalValues, lessOrEqualValues, lessValues } from './comparison.ts'
import { familyOf, isWhole } from './family.ts'
import { membership, union } from './sets.ts'
import {
  asList,
  condition,
  isAbsent,
  NOTHING,
  single,
  truth,
  typeText,
  valueOf,
  type Scope,
  type Typed,
} from './typed.ts'

type Binary = Ast & { readonly kind: 'binary' }

export function binary(ast: Binary, scope: Scope, resolve: (ast: Ast, scope: Scope) => Typed): Typed {
  // Only a column of binary numbers wants its operands so; else text keeps what doubles lose.
  const isDouble = scope.decimals === 'double' && ast.operator !== '|'
  const inner: Scope = { ...scope, decimals: isDouble ? 'double' : 'short' }
  // A mistake on the left must not hide one on the right.
  const [left, right] = [ast.left, ast.right].map((side) =>
    scope.view.mistakes.attempt({}, () => resolve(side, inner), NOTHING),
  ) as [Typed, Typed]
  switch (ast.operator) {
    case 'and':
    case 'or':
    case 'xor':
    case 'implies':
      return truth(call(ast.operator, condition(left, ast.left.at), condition(right, ast.right.at)))
    case '=':
      return equality(ast, left, right)
    case '!=': {
      const same = equality(ast, left, right)
      return same.type.kind === 'nothing' ? same : truth(call('not', same.expr))
    }
    case '<':
    case '>':
    case '<=':
    case '>=':
      return order(ast, left, right)
    case '+':
    case '-':
    case '*':
    case '/':
    case 'div':
    case 'mod':
      return arithmetic(ast, left, right)
    case '&':
      return textValue(call('append', orBlank(ast, left), orBlank(ast, right)))
    case '|':
      return union(left, right, ast)
    case 'in':
      return membership(left, right, ast)
    case 'contains':
      return membership(right, left, ast)
    case '~':
    case '!~':
      throw new ViewError(
        'VIEW_UNSUPPORTED',
        `the operator ${ast.operator} is not supported`,
        { position: ast.at },
        'use = or !=',
      )
  }
}

export function negative(of: Typed, at: number): Typed {
  if (of.type.kind === 'nothing') return NOTHING
  if (familyOf(of) !== 'number') throw new ViewError('VIEW_TYPE', `a sign before ${typeText(of)}`, { position: at })
  const expr = single(of)
  if (expr.op === 'text' || expr.op === 'integer')
    return { ...of, expr: { ...expr, value: `-${expr.value}` }, isMany: false }
  if (isWhole(of)) return { ...of, expr: call('minusWhole', { op: 'integer', value: '0' }, expr), isMany: false }
  return valueOf('decimal', call('minus', text('0'), expr))
}

function equality(ast: Binary, left: Typed, right: Typed): Typed {
  const family = comparableFamily(left, right, ast)
  if (!family) return truth(NONE)
  if (!left.isMany && !right.isMany) return truth(equalValues(family, left, right))
  const first: Expr = equalValues(family, at0(left), at0(right))
  const [many, others] = [asList(left), asList(right)]
  // A list and a value: the usual case, one line of SQL less.
  const isSame: Expr =
    left.isMany && right.isMany
      ? {
          op: 'when',
          test: call('equal', call('count', many), { op: 'integer', value: '1' }),
          then: first,
          otherwise: call('sameList', comparableItems(family, left), comparableItems(family, right)),
        }
      : first
  const isSameSize = call('equal', call('count', many), call('count', others))
  return truth({
    op: 'when',
    test: call('or', isAbsent(left), isAbsent(right)),
    then: NONE,
    otherwise: { op: 'when', test: isSameSize, then: isSame, otherwise: FALSE },
  })
}

function order(ast: Binary, left: Typed, right: Typed): Typed {
  const family = comparableFamily(left, right, ast)
  if (!family) return truth(NONE)
  if (family === 'boolean') throw new ViewError('VIEW_TYPE', `true and false have no order`, { position: ast.at })
  const [low, high] = ast.operator === '<' || ast.operator === '<=' ? [left, right] : [right, left]
  const compare = ast.operator === '<' || ast.operator === '>' ? lessValues : lessOrEqualValues
  return truth(compare(family, one(low), one(high)))
}

const WHOLE: Partial<Record<BinaryOperator, Primitive>> = { '+': 'plusWhole', '-': 'minusWhole', '*': 'timesWhole' }
const DECIMAL: Partial<Record<BinaryOperator, Primitive>> = {
  '+': 'plus',
  '-': 'minus',
  '*': 'times',
  '/': 'over',
  mod: 'remainder',
}

function arithmetic(ast: Binary, left: Typed, right: Typed): Typed {
  if (left.type.kind === 'nothing' || right.type.kind === 'nothing') return NOTHING
  const [from, to] = [familyOf(left), familyOf(right)]
  if (ast.operator === '+' && from === 'text' && to === 'text')
    return textValue(call('append', single(left), single(right)))
  if (from !== 'number' || to !== 'number') {
    const code = from === 'date' || from === 'time' ? 'VIEW_UNSUPPORTED' : 'VIEW_TYPE'
    throw new ViewError(code, `${typeText(left)} ${ast.operator} ${typeText(right)} is not possible here`, {
      position: ast.at,
    })
  }
  const operands = [single(left), single(right)] as const
  if (ast.operator === 'div') return valueOf('integer', call('wholeOver', ...operands))
  const areWhole = isWhole(left) && isWhole(right)
  if (areWhole && ast.operator === 'mod') return valueOf('integer', call('toInteger', call('remainder', ...operands)))
  const whole = areWhole ? WHOLE[ast.operator] : undefined
  return whole
    ? valueOf('integer', call(whole, ...operands))
    : valueOf('decimal', call(DECIMAL[ast.operator]!, ...operands))
}

/** `&` takes what is empty for the empty text. */
function orBlank(ast: Binary, side: Typed): Expr {
  if (side.type.kind === 'nothing') return text('')
  if (familyOf(side) !== 'text')
    throw new ViewError('VIEW_TYPE', `& joins texts, not ${typeText(side)}`, { position: ast.at })
  const expr = single(side)
  return { op: 'when', test: call('isMissing', expr), then: text(''), otherwise: expr }
}

function textValue(expr: Expr): Typed {
  return valueOf('string', expr)
}

function one(typed: Typed): Typed {
  return { ...typed, expr: single(typed), isMany: false }
}

function at0(typed: Typed): Typed {
  return typed.isMany ? { ...typed, expr: call('at', typed.expr, { op: 'integer', value: '0' }), isMany: false } : typed
}

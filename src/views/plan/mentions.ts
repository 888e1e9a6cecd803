/** Questions to the middle form: which variables something needs, and whether it is NULL when one of them is. */
import type { Expr } from './expr.ts'
import type { Level } from './plan.ts'
import type { Field } from './shape.ts'

function mentions(expr: Expr, name: string): boolean {
  return (expr.op === 'var' && expr.name === name) || parts(expr).some((part) => mentions(part, name))
}

export function levelMentions(level: Level, name: string): boolean {
  return (
    level.cells.some((cell) => mentions(cell.value, name)) ||
    level.parts.some(
      (part) =>
        part.outer === name ||
        (part.kind === 'union'
          ? part.branches.some((branch) => levelMentions(branch, name))
          : mentions(part.list, name) || levelMentions(part.level, name)),
    )
  )
}

/** True when the expression is surely NULL (or an empty list) where the variable is. */
export function isNullWith(expr: Expr, name: string): boolean {
  if (expr.op === 'var') return expr.name === name
  if (expr.op === 'read' || expr.op === 'decode' || expr.op === 'convert') return isNullWith(expr.of, name)
  if (expr.op === 'map' || expr.op === 'flatMap' || expr.op === 'filter' || expr.op === 'only')
    return isNullWith(expr.list, name)
  return expr.op === 'call' && STRICT.has(expr.name) && expr.args.some((one) => isNullWith(one, name))
}

const STRICT: ReadonlySet<string> = new Set([
  'at',
  'last',
  'referenceKey',
  'referenceKeyOf',
  'join',
  'equal',
  'less',
  'lessOrEqual',
])

/** The elements that an expression reads. */
export function fieldsRead(expr: Expr): Field[] {
  const below = parts(expr).flatMap(fieldsRead)
  return expr.op === 'read' ? [expr.field, ...below] : below
}

/** All expressions of a level and those below it. */
export function levelExprs(level: Level): Expr[] {
  const below = level.parts.flatMap((part) =>
    part.kind === 'union' ? part.branches.flatMap(levelExprs) : [part.list, ...levelExprs(part.level)],
  )
  return [...level.cells.map((cell) => cell.value), ...below]
}

function parts(expr: Expr): Expr[] {
  switch (expr.op) {
    case 'var':
    case 'text':
    case 'integer':
    case 'boolean':
    case 'none':
      return []
    case 'read':
    case 'decode':
    case 'convert':
      return [expr.of]
    case 'map':
    case 'flatMap':
      return [expr.list, expr.body]
    case 'filter':
      return [expr.list, expr.test]
    case 'only':
      return [expr.list]
    case 'list':
      return [...expr.items]
    case 'when':
      return [expr.test, expr.then, expr.otherwise]
    case 'call':
      return [...expr.args]
    case 'descend':
      return [expr.roots, expr.children]
  }
}

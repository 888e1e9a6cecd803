/** Expressions of the middle form as DuckDB SQL. */
import { sqlName, sqlText } from '../../core/sql.ts'
import type { Expr, ReadForm } from '../plan/expr.ts'
import type { Field } from '../plan/shape.ts'
import { convertSql } from './convert.ts'
import { once } from './once.ts'
import { PRIMITIVES } from './primitives.ts'
import { isDouble, structText } from './struct.ts'
import { textOnly } from './text-shape.ts'

export interface ExprContext {
  /** SQL of the variables in sight. */
  readonly vars: ReadonlyMap<string, string>
  /** SQL of what stands before keys, with its slash; undefined for nothing. */
  readonly keyPrefix: string | undefined
  /** SQL of the resource's own JSON text, which tells text from what is none; undefined: what looks like text is text. */
  readonly json: string | undefined
  /** Several values where one is promised stop the query; else they are NULL. */
  readonly stopsOnMany: boolean
}

export function exprSql(expr: Expr, context: ExprContext): string {
  const sql = (one: Expr) => exprSql(one, context)
  switch (expr.op) {
    case 'var':
      return variable(expr.name, context)
    case 'text':
      return sqlText(expr.value)
    case 'integer':
      return expr.value.startsWith('-') ? `(${expr.value})` : expr.value
    case 'boolean':
      return String(expr.value)
    case 'none':
      return 'NULL'
    case 'read':
      return readSql(sql(expr.of), expr.field, expr.as, context.json)
    case 'decode':
      return expr.shape.fields.size === 0
        ? sql(expr.of)
        : `from_json(${sql(expr.of)}, ${sqlText(structText(expr.shape))})`
    case 'map': {
      const body = exprSql(expr.body, withVars(context, [expr.item, expr.item]))
      return `list_filter(list_transform(${sql(expr.list)}, lambda ${expr.item}: ${body}), lambda __e: __e IS NOT NULL)`
    }
    case 'flatMap': {
      const body = exprSql(expr.body, withVars(context, [expr.item, expr.item]))
      return `flatten(list_transform(${sql(expr.list)}, lambda ${expr.item}: ${body}))`
    }
    case 'filter': {
      const test = exprSql(expr.test, withVars(context, [expr.item, expr.item], [expr.index, `(${expr.index} - 1)`]))
      const params = test.includes(expr.index) ? `${expr.item}, ${expr.index}` : expr.item
      return `list_filter(${sql(expr.list)}, lambda ${params}: ${test})`
    }
    case 'only':
      return onlySql(sql(expr.list), context.stopsOnMany)
    case 'list':
      return `list_filter([${expr.items.map(sql).join(', ')}], lambda __e: __e IS NOT NULL)`
    case 'when':
      return expr.otherwise.op === 'none'
        ? `CASE WHEN ${sql(expr.test)} THEN ${sql(expr.then)} END`
        : `CASE WHEN ${sql(expr.test)} THEN ${sql(expr.then)} ELSE ${sql(expr.otherwise)} END`
    case 'convert':
      return convertSql(
        expr.to.base === 'text' ? sql(expr.of) : anySql(expr.of, context),
        expr.of.op === 'none',
        expr.from,
        expr.to,
      )
    case 'call': {
      const args = refusesJson(expr) ? expr.args.map((one) => anySql(one, context)) : expr.args.map(sql)
      return isKey(expr.name) && context.keyPrefix !== undefined
        ? `(${context.keyPrefix} || ${PRIMITIVES[expr.name](args)})`
        : PRIMITIVES[expr.name](args)
    }
    case 'descend':
      return descendSql(sql(expr.roots), exprSql(expr.children, withVars(context, [expr.item, '__n.node'])), expr.names)
  }
}

export function withVars(context: ExprContext, ...vars: readonly (readonly [string, string])[]): ExprContext {
  return { ...context, vars: new Map([...context.vars, ...vars]) }
}

function variable(name: string, context: ExprContext): string {
  const sql = context.vars.get(name)
  if (sql === undefined) throw new TypeError(`the plan uses ${name} out of sight`)
  return sql
}

function isKey(name: string): boolean {
  return name === 'resourceKey' || name === 'referenceKey' || name === 'referenceKeyOf'
}

/** What refuses JSON by itself needs no look at the text; it costs some percent. */
function refusesJson({ name, args }: Expr & { readonly op: 'call' }): boolean {
  return REFUSING.has(name) || (name === 'equal' && args.some((one) => one.op === 'text'))
}

const REFUSING: ReadonlySet<string> = new Set([
  'referenceKey',
  'referenceKeyOf',
  'firstInstant',
  'endInstant',
  'dateKey',
])

/** A value that may be JSON where text is due. */
function anySql(expr: Expr, context: ExprContext): string {
  if (expr.op !== 'read' || expr.field.isMany) return exprSql(expr, context)
  return readSql(exprSql(expr.of, context), expr.field, expr.as, undefined)
}

function readSql(of: string, field: Field, as: ReadForm, json: string | undefined): string {
  const value = `${of}.${sqlName(field.name)}`
  if (field.kind === 'object') {
    if (as === 'json' || !field.isJson || field.shape.fields.size === 0) return value
    const struct = sqlText(structText(field.shape))
    return field.isMany
      ? `list_transform(${value}, lambda __e: from_json(__e, ${struct}))`
      : `from_json(${value}, ${struct})`
  }
  const typed = as === 'double' && !isDouble(field) ? `TRY_CAST(${value} AS DOUBLE)` : value
  const checked = (one: string) => (field.kind === 'text' && json !== undefined ? textOnly(one, json) : one)
  // JSON lists of primitives may hold null, where only an extension is given.
  return field.isMany ? `list_filter(${typed}, lambda __e: ${checked('__e')} IS NOT NULL)` : checked(typed)
}

function onlySql(sql: string, stopsOnMany: boolean): string {
  return once(sql, (list) =>
    stopsOnMany
      ? `CASE WHEN len(${list}) > 1 THEN error('several values where one is promised') ELSE ${list}[1] END`
      : `CASE WHEN len(${list}) = 1 THEN ${list}[1] END`,
  )
}

/**
 * Nodes open (their children not yet looked for) or not, in the order of the answer. A step puts an open node's
 * children behind it. A node at depth n stands in n of the elements `names`, so their number in a root's text is
 * enough steps; from_json writes JSON without blanks. list_reduce() wants steps of the answer's own type: empty lists.
 */
function descendSql(roots: string, children: string, names: readonly string[]): string {
  const deep = names.map((name) => `len(string_split(__c::VARCHAR, ${sqlText(`"${name}":`)})) - 1`).join(' + ')
  const depth = `coalesce(list_max(list_transform(${roots}, lambda __c: ${deep})), 0)`
  const steps = `list_transform(range(${depth}), lambda __s: [{'open': false, 'node': NULL::JSON}][:0])`
  const opened = (list: string) => `list_transform(${list}, lambda __c: {'open': true, 'node': __c})`
  const expanded = `list_concat([{'open': false, 'node': __n.node}], ${opened(children)})`
  const step = `flatten(list_transform(__a, lambda __n: CASE WHEN __n.open THEN ${expanded} ELSE [__n] END))`
  const nodes = `list_reduce(list_prepend(${opened(roots)}, ${steps}), lambda __a, __s: ${step})`
  return `list_transform(${nodes}, lambda __n: __n.node)`
}

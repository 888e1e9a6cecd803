/** `repeat`: all nodes below a focus that its paths lead to, at any depth, each before its own descendants. */
import type { PathText } from './definition.ts'
import { parseFhirPath } from './fhirpath/parser.ts'
import { call, type Expr } from './plan/expr.ts'
import { Shape } from './plan/shape.ts'
import { decoded } from './typing/navigate.ts'
import { resolve } from './typing/resolve.ts'
import { asList, NOTHING, typeText, type Scope, type Typed } from './typing/typed.ts'
import { ViewError, within } from './view-error.ts'

/**
 * A list of nodes in the order of the specification's traverse(): depth first, path by path. Their type must be one
 * and the same. The depth is not known, so nodes stay JSON while descending and are decoded afterwards.
 */
export function repeatNodes(paths: readonly PathText[], scope: Scope): Typed {
  const roots = follow(paths, scope.focus, scope)
  if (roots.type.kind === 'nothing') {
    if (!scope.view.allowsUnknown) checkPaths(paths, [scope.focus], scope)
    return NOTHING
  }
  if (roots.type.kind !== 'object')
    throw new ViewError('VIEW_TYPE', `repeat goes through objects, not ${typeText(roots)}`, { path: paths[0]!.at })
  const { name } = roots.type
  const item = scope.view.fresh()
  const aNode = decoded({ op: 'var', name: item }, name, new Shape())
  const below = follow(paths, aNode, scope)
  if (below.type.kind === 'object' && below.type.name !== name) {
    throw new ViewError(
      'VIEW_UNSUPPORTED',
      `repeat goes through ${name} and ${below.type.name}: supported is one type`,
      { path: paths[0]!.at },
    )
  }
  if (!scope.view.allowsUnknown) checkPaths(paths, [scope.focus, aNode], scope)
  const shape = new Shape()
  const nodes: Expr =
    below.type.kind === 'nothing'
      ? roots.expr
      : {
          op: 'descend',
          roots: roots.expr,
          item,
          children: below.expr,
          names: [...new Set([...lastNames(roots.expr), ...lastNames(below.expr)])],
        }
  const node = scope.view.fresh()
  return {
    expr: { op: 'map', list: nodes, item: node, body: { op: 'decode', of: { op: 'var', name: node }, shape } },
    type: { kind: 'object', name, shape },
    isMany: true,
    isFiltered: true,
  }
}

/** What the paths lead to from one node, as a list of JSON. A path may not exist on every type of node. */
function follow(paths: readonly PathText[], focus: Typed, scope: Scope): Typed {
  const found: Typed[] = []
  for (const path of paths) {
    const typed = within({ path: path.at }, () => resolveOrNothing(path.text, { ...scope, focus, context: focus }))
    if (typed.type.kind !== 'nothing')
      found.push({ ...typed, expr: within({ path: path.at }, () => kept(asList(typed))), isMany: true })
  }
  const first = found[0]
  if (!first) return NOTHING
  const other = found.find((one) => JSON.stringify(nameOf(one)) !== JSON.stringify(nameOf(first)))
  if (other)
    throw new ViewError(
      'VIEW_UNSUPPORTED',
      `repeat goes through ${typeText(first)} and ${typeText(other)}: supported is one type`,
      { path: paths[0]!.at },
    )
  return found.length === 1 ? first : { ...first, expr: call('concat', ...found.map((one) => one.expr)) }
}

/** @throws ViewError for a path that leads nowhere from any node. */
function checkPaths(paths: readonly PathText[], nodes: readonly Typed[], scope: Scope): void {
  for (const path of paths) {
    within({ path: path.at }, () => {
      const focus = nodes.find((node) => resolveOrNothing(path.text, { ...scope, focus: node }).type.kind !== 'nothing')
      if (!focus) resolve(parseFhirPath(path.text), scope)
    })
  }
}

function nameOf({ type }: Typed): string {
  return type.kind === 'object' || type.kind === 'value' ? type.name : type.kind
}

/** `answer.item` leads somewhere from an item, and nowhere from the response itself. */
function resolveOrNothing(text: string, scope: Scope): Typed {
  const ast = parseFhirPath(text)
  return resolve(ast, { ...scope, view: { ...scope.view, allowsUnknown: true } })
}

/** The same nodes kept as JSON. */
function kept(expr: Expr): Expr {
  if (expr.op === 'read') {
    expr.field.isJson = true
    return { ...expr, as: 'json' }
  }
  if (expr.op === 'map' || expr.op === 'flatMap') return { ...expr, body: kept(expr.body) }
  if (expr.op === 'list') return { ...expr, items: expr.items.map(kept) }
  throw new ViewError('VIEW_UNSUPPORTED', 'repeat supports paths of element names only', { position: 1 })
}

/** The elements that nodes stand in: each step down passes one of them in the JSON text. */
function lastNames(expr: Expr): string[] {
  if (expr.op === 'read') return [expr.field.name]
  if (expr.op === 'map' || expr.op === 'flatMap') return lastNames(expr.body)
  if (expr.op === 'list') return expr.items.flatMap(lastNames)
  return expr.op === 'call' ? expr.args.flatMap(lastNames) : []
}

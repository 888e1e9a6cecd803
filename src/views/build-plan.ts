/** ViewDefinition to plan: levels of rows with typed cells (the specification's "Processing Algorithm"). */
import { buildCell } from './build-column.ts'
import { repeatNodes } from './build-repeat.ts'
import type { PathText, SelectDefinition, ViewDefinition } from './definition.ts'
import { parseFhirPath } from './fhirpath/parser.ts'
import type { Mistakes } from './mistakes.ts'
import { call, NONE, whole, type Expr } from './plan/expr.ts'
import { isNullWith, levelMentions } from './plan/mentions.ts'
import type { Cell, Level, Part, Plan, PlanColumn } from './plan/plan.ts'
import { Shape } from './plan/shape.ts'
import { resolve } from './typing/resolve.ts'
import { asList, condition, NOTHING, typeText, type Scope, type Typed, type ViewContext } from './typing/typed.ts'
import { ViewError } from './view-error.ts'

export interface PlanOptions {
  /** Tags that name a column's type, the strongest first. */
  readonly typeTags: readonly string[]
  /** Where one value is promised and the path may have several: judge each resource's own values. */
  readonly judgesValues: boolean
}

export function buildPlan(definition: ViewDefinition, view: ViewContext, options: PlanOptions): Plan {
  const shape = new Shape()
  const root = view.fresh()
  const focus: Typed = {
    expr: { op: 'var', name: root },
    type: { kind: 'object', name: definition.resource, shape },
    isMany: false,
    isFiltered: false,
  }
  const scope: Scope = { view, focus, context: focus, root: focus, rowIndex: whole(0), decimals: 'short' }
  shape.field('resourceType', 'text', false)
  const where = definition.where.map((path) =>
    view.mistakes.attempt({ path: path.at }, () => condition(resolve(parseFhirPath(path.text), scope), 1), NONE),
  )
  const builder = new Builder(options)
  const { level, columns } = builder.level(definition.selects, scope, undefined)
  if (columns.length === 0 && !view.mistakes.areIn())
    view.mistakes.add(new ViewError('VIEW_INVALID', 'the view has no column', { path: 'select' }))
  checkNames(columns, view.mistakes)
  return { resource: definition.resource, root, shape, where, level, columns: columns.map((one) => one.column) }
}

interface Built {
  readonly level: Level
  readonly columns: readonly Placed[]
}

interface Placed {
  readonly column: PlanColumn
  readonly at: string
}

class Builder {
  private readonly options: PlanOptions

  constructor(options: PlanOptions) {
    this.options = options
  }

  /** Selects side by side on one focus. `outer`: the item of a forEachOrNull around them, which may be missing. */
  level(selects: readonly SelectDefinition[], scope: Scope, outer: string | undefined): Built {
    const built = selects.map((select) =>
      select.iteration ? this.iteration(select, scope, outer) : this.content(select, scope, outer),
    )
    return merged(built)
  }

  /** A select's columns, nested selects and unionAll, on the focus it has. */
  private content(select: SelectDefinition, scope: Scope, outer: string | undefined): Built {
    const cells = select.columns.map((column) => buildCell(column, scope, this.options))
    const own: Built = {
      level: { cells: cells.map((one) => guarded(one.cell, outer)), parts: [] },
      columns: cells.map((one, place) => ({ column: one.column, at: select.columns[place]!.at })),
    }
    const nested = this.level(select.selects, scope, outer)
    const union = select.unions.length > 0 ? [this.union(select, scope, outer)] : []
    return merged([own, nested, ...union])
  }

  private iteration(select: SelectDefinition, scope: Scope, outer: string | undefined): Built {
    const { kind, paths } = select.iteration!
    const nodes = scope.view.mistakes.attempt(
      { path: paths[0]?.at },
      () => (kind === 'repeat' ? repeatNodes(paths, scope) : foci(paths[0]!, scope)),
      NOTHING,
    )
    const item = scope.view.fresh()
    const index = scope.view.fresh()
    const isOrNull = kind === 'forEachOrNull'
    const focus: Typed = { ...nodes, expr: { op: 'var', name: item }, isMany: false, isFiltered: false }
    const inner: Scope = { ...scope, focus, context: focus, rowIndex: { op: 'var', name: index } }
    const { level, columns } = this.content(
      { ...select, iteration: undefined },
      inner,
      isOrNull || outer !== undefined ? item : undefined,
    )
    const part: Part = {
      kind: 'each',
      list: asList(nodes),
      item,
      index: levelMentions(level, index) ? index : undefined,
      level,
      isOrNull,
      outer,
    }
    return { level: { cells: [], parts: [part] }, columns }
  }

  private union(select: SelectDefinition, scope: Scope, outer: string | undefined): Built {
    const branches = select.unions.map((branch) => this.level([branch], scope, undefined))
    const first = branches[0]!
    const { mistakes } = scope.view
    if (!mistakes.areIn(`${select.at}.unionAll`))
      branches.forEach((branch, place) =>
        mistakes.attempt(
          { path: `${select.at}.unionAll[${place}]` },
          () => checkBranch(first.columns, branch.columns),
          undefined,
        ),
      )
    const names = first.columns.map((one) => one.column.name)
    const part: Part = {
      kind: 'union',
      branches: branches.map((one) => one.level),
      item: scope.view.fresh(),
      names,
      outer,
    }
    return { level: { cells: [], parts: [part] }, columns: first.columns }
  }
}

function merged(built: readonly Built[]): Built {
  return {
    level: { cells: built.flatMap((one) => one.level.cells), parts: built.flatMap((one) => one.level.parts) },
    columns: built.flatMap((one) => one.columns),
  }
}

function foci(path: PathText, scope: Scope): Typed {
  const nodes = resolve(parseFhirPath(path.text), scope)
  if (nodes.type.kind !== 'choice' && nodes.type.kind !== 'resource') return nodes
  throw new ViewError('VIEW_TYPE', `this is ${typeText(nodes)}: rows need one type`, {}, 'say which with ofType()')
}

/** Under a forEachOrNull without items every column is NULL, but for %rowIndex. */
function guarded(cell: Cell, outer: string | undefined): Cell {
  if (outer === undefined || isNullWith(cell.value, outer) || isRowIndex(cell.value)) return cell
  return {
    ...cell,
    value: { op: 'when', test: call('isMissing', { op: 'var', name: outer }), then: NONE, otherwise: cell.value },
  }
}

function isRowIndex(value: Expr): boolean {
  return value.op === 'convert' && value.of.op === 'var'
}

/** "Column Already Defined". DuckDB and most others take Name and name for one. */
function checkNames(columns: readonly Placed[], mistakes: Mistakes): void {
  const seen = new Map<string, string>()
  for (const { column, at: path } of columns) {
    const known = seen.get(column.name.toLowerCase())
    if (known === undefined) seen.set(column.name.toLowerCase(), path)
    else
      mistakes.add(new ViewError('VIEW_INVALID', `the column ${column.name} is already defined at ${known}`, { path }))
  }
}

/** "Union Branches Inconsistent". */
function checkBranch(first: readonly Placed[], branch: readonly Placed[]): void {
  const names = (columns: readonly Placed[]) => columns.map((one) => one.column.name).join(', ')
  if (names(first) !== names(branch)) {
    throw new ViewError(
      'VIEW_INVALID',
      `the columns are ${names(branch)}, but those of the first branch ${names(first)}`,
    )
  }
  first.forEach(({ column }, place) => {
    const other = branch[place]!.column
    if (JSON.stringify([column.type, column.isList]) !== JSON.stringify([other.type, other.isList])) {
      throw new ViewError('VIEW_INVALID', `the column ${column.name} has another type than in the first branch`, {
        path: branch[place]!.at,
      })
    }
  })
}

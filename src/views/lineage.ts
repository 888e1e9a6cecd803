/** What each column of a view is made of: the elements of the resource that its path reads, found in the plan. Pure. */
import type { Expr, Primitive } from './plan/expr.ts'
import type { Level, Plan } from './plan/plan.ts'

export interface ViewLineage {
  /** In the order of the view's columns. */
  readonly columns: readonly ColumnLineage[]
  /** Elements that decide which rows there are, and stand in no column for that: those in where and in a forEach's where(). */
  readonly rowsDependOn: readonly string[]
}

export interface ColumnLineage {
  readonly name: string
  readonly elements: readonly UsedElement[]
}

export interface UsedElement {
  /** As it stands in the resource's JSON, from the top: `name.family`, `valueQuantity.value`. */
  readonly element: string
  /**
   * value: the column holds it, in the column's type. part: the column is computed from it, and maybe from others.
   * condition: it decides which value the column holds, as in where().
   */
  readonly use: ElementUse
}

export type ElementUse = 'value' | 'part' | 'condition'

export function viewLineage(plan: Plan): ViewLineage {
  const found: Found = { cells: new Map(), rows: new Set() }
  const root: Variables = new Map([[plan.root, { ...NOTHING, nodes: new Set(['']) }]])
  for (const test of plan.where) for (const element of everything(originOf(test, root))) found.rows.add(element)
  readLevel(plan.level, root, found)
  return {
    columns: plan.columns.map(({ name }) => ({ name, elements: usesOf(found.cells.get(name) ?? NOTHING) })),
    rowsDependOn: [...found.rows].sort(),
  }
}

/** Where a value comes from. The paths of its nodes; those of what it is computed from; those it depends on besides. */
interface Origin {
  readonly nodes: ReadonlySet<string>
  readonly parts: ReadonlySet<string>
  readonly conditions: ReadonlySet<string>
}

const NONE: ReadonlySet<string> = new Set()
const NOTHING: Origin = { nodes: NONE, parts: NONE, conditions: NONE }

type Variables = ReadonlyMap<string, Origin>

interface Found {
  /** Of a unionAll's column, of all its branches. */
  readonly cells: Map<string, Origin>
  readonly rows: Set<string>
}

function readLevel(level: Level, variables: Variables, found: Found): void {
  for (const { name, value } of level.cells) {
    const before = found.cells.get(name)
    const origin = originOf(value, variables)
    found.cells.set(name, before === undefined ? origin : joined([before, origin]))
  }
  for (const part of level.parts) {
    if (part.kind === 'union') {
      for (const branch of part.branches) readLevel(branch, variables, found)
      continue
    }
    const list = originOf(part.list, variables)
    for (const element of list.conditions) found.rows.add(element)
    readLevel(part.level, bound(variables, part.item, { ...list, conditions: NONE }), found)
  }
}

function originOf(expr: Expr, variables: Variables): Origin {
  switch (expr.op) {
    case 'var':
      return variables.get(expr.name) ?? NOTHING
    case 'text':
    case 'integer':
    case 'boolean':
    case 'none':
      return NOTHING
    case 'read': {
      const of = originOf(expr.of, variables)
      const { name } = expr.field
      return { ...of, nodes: new Set([...of.nodes].map((path) => (path === '' ? name : `${path}.${name}`))) }
    }
    case 'decode':
    case 'convert':
      return originOf(expr.of, variables)
    case 'only':
      return originOf(expr.list, variables)
    case 'list':
      return joined(expr.items.map((item) => originOf(item, variables)))
    case 'map':
    case 'flatMap': {
      const list = originOf(expr.list, variables)
      return dependingOn(originOf(expr.body, bound(variables, expr.item, list)), list.conditions)
    }
    case 'filter': {
      const list = originOf(expr.list, variables)
      return dependingOn(list, everything(originOf(expr.test, bound(variables, expr.item, list))))
    }
    case 'when': {
      const value = joined([originOf(expr.then, variables), originOf(expr.otherwise, variables)])
      return dependingOn(value, everything(originOf(expr.test, variables)))
    }
    case 'descend': {
      // Nodes further down lie under the same names, once more for each level.
      const roots = originOf(expr.roots, variables)
      return joined([roots, originOf(expr.children, bound(variables, expr.item, roots))])
    }
    case 'call': {
      const args = expr.args.map((arg) => originOf(arg, variables))
      const held = HOLDING[expr.name] ?? 0
      const values = held === 'all' ? args : args.slice(0, held)
      const others = held === 'all' ? [] : args.slice(held)
      if (held === 0) return { nodes: NONE, ...computedFrom(joined(others)) }
      return dependingOn(
        joined(values),
        others.flatMap((other) => [...everything(other)]),
      )
    }
  }
}

/** How many of its arguments, the first ones, a primitive gives back as they are; of the others its answer is computed. */
const HOLDING: Partial<Record<Primitive, number | 'all'>> = {
  at: 1,
  last: 1,
  slice: 1,
  distinct: 1,
  distinctBy: 1,
  orEmpty: 1,
  concat: 'all',
  coalesce: 'all',
}

function computedFrom({ nodes, parts, conditions }: Origin): Pick<Origin, 'parts' | 'conditions'> {
  return { parts: new Set([...nodes, ...parts]), conditions }
}

function joined(origins: readonly Origin[]): Origin {
  const all = (key: keyof Origin) => new Set(origins.flatMap((origin) => [...origin[key]]))
  return { nodes: all('nodes'), parts: all('parts'), conditions: all('conditions') }
}

function dependingOn(origin: Origin, conditions: Iterable<string>): Origin {
  return { ...origin, conditions: new Set([...origin.conditions, ...conditions]) }
}

function everything({ nodes, parts, conditions }: Origin): Set<string> {
  return new Set([...nodes, ...parts, ...conditions])
}

function bound(variables: Variables, name: string, origin: Origin): Variables {
  return new Map([...variables, [name, origin]])
}

/** That an element is there at all is no condition worth a word beside what stands in it, nor is a value one of itself. */
function usesOf({ nodes, parts, conditions }: Origin): UsedElement[] {
  const all = [...nodes, ...parts, ...conditions]
  const isCondition = (element: string) =>
    !nodes.has(element) && !parts.has(element) && !all.some((other) => other.startsWith(`${element}.`))
  const uses: UsedElement[] = [
    ...[...nodes].map((element) => ({ element, use: 'value' as const })),
    ...[...parts].filter((element) => !nodes.has(element)).map((element) => ({ element, use: 'part' as const })),
    ...[...conditions].filter(isCondition).map((element) => ({ element, use: 'condition' as const })),
  ]
  return uses.filter(({ element }) => element !== '')
}

/** A FHIRPath with its type: what an expression gives, and what may be done with it. */
import type { FhirElement, FhirTypes } from '../fhir-types.ts'
import type { Mistakes } from '../mistakes.ts'
import { call, FALSE, NONE, TRUE, type Expr } from '../plan/expr.ts'
import type { DecimalForm, Shape } from '../plan/shape.ts'
import { ViewError } from '../view-error.ts'

export interface Typed {
  readonly expr: Expr
  readonly type: PathType
  /** True when `expr` is a list. */
  readonly isMany: boolean
  /** True when a filter stands in the path: of many, perhaps only one is left. */
  readonly isFiltered: boolean
}

export type PathType =
  /** A primitive, by its FHIR name. `isDouble`: a decimal that is a binary number, not text. */
  | { readonly kind: 'value'; readonly name: string; readonly isDouble?: boolean }
  /** A complex type, a backbone element or a resource. `targets`: the resources that a Reference may lead to. */
  | { readonly kind: 'object'; readonly name: string; readonly shape: Shape; readonly targets?: readonly string[] }
  /** `value[x]` before it is known which one: `owner` holds the alternatives. */
  | { readonly kind: 'choice'; readonly owner: Typed; readonly element: FhirElement }
  /** Any resource, as JSON: contained, Bundle.entry.resource. `variants` has a shape for each type asked for. */
  | { readonly kind: 'resource'; readonly variants: Shape }
  /** `{}`, or an element that the specification says is empty. */
  | { readonly kind: 'nothing' }

/** What is the same for all paths of a view. */
export interface ViewContext {
  readonly types: FhirTypes
  readonly resource: string
  readonly constants: ReadonlyMap<string, Typed>
  /** An unknown element is empty, as FHIRPath has it, and no error. */
  readonly allowsUnknown: boolean
  readonly mistakes: Mistakes
  /** A name that no other variable of the view has. */
  fresh(): string
}

export interface Scope {
  readonly view: ViewContext
  /** `$this` */
  readonly focus: Typed
  /** `%context`: the focus that the whole path began with. */
  readonly context: Typed
  /** `%resource` */
  readonly root: Typed
  /** `%rowIndex` */
  readonly rowIndex: Expr
  /** `$index`, from 0. */
  readonly index?: Expr
  /** How decimals are read here. */
  readonly decimals: DecimalForm
}

export function valueOf(name: string, expr: Expr, isMany = false, isFiltered = false): Typed {
  return { expr, type: { kind: 'value', name }, isMany, isFiltered }
}

export function truth(expr: Expr): Typed {
  return valueOf('boolean', expr)
}

export const NOTHING: Typed = { expr: NONE, type: { kind: 'nothing' }, isMany: false, isFiltered: false }

/** The value itself; of a list, its only item. */
export function single(typed: Typed): Expr {
  return typed.isMany ? { op: 'only', list: typed.expr } : typed.expr
}

export function asList(typed: Typed): Expr {
  return typed.isMany ? typed.expr : { op: 'list', items: [typed.expr] }
}

/** Applies `work` to the value, or to each item; lists that come out of it are joined to one. */
export function each(typed: Typed, view: ViewContext, work: (item: Typed) => Typed): Typed {
  if (!typed.isMany) return work(typed)
  const item = view.fresh()
  const answer = work({ ...typed, expr: { op: 'var', name: item }, isMany: false })
  const op = answer.isMany ? 'flatMap' : 'map'
  return {
    expr: { op, list: typed.expr, item, body: answer.expr },
    type: answer.type,
    isMany: true,
    isFiltered: typed.isFiltered || answer.isFiltered,
  }
}

/** Those for which `test` is true. A single value becomes NULL where it is not. */
export function keep(typed: Typed, view: ViewContext, test: (item: Typed, index: Expr) => Expr): Typed {
  if (!typed.isMany) {
    const kept = test(typed, { op: 'integer', value: '0' })
    return { ...typed, expr: { op: 'when', test: kept, then: typed.expr, otherwise: NONE }, isFiltered: true }
  }
  const item = view.fresh()
  const index = view.fresh()
  const kept = test({ ...typed, expr: { op: 'var', name: item }, isMany: false }, { op: 'var', name: index })
  return { ...typed, expr: { op: 'filter', list: typed.expr, item, index, test: kept }, isFiltered: true }
}

/** Whether there is any item. */
export function isPresent(typed: Typed): Expr {
  if (typed.type.kind === 'nothing') return FALSE
  return typed.isMany ? call('not', call('isEmpty', typed.expr)) : call('isPresent', typed.expr)
}

export function isAbsent(typed: Typed): Expr {
  if (typed.type.kind === 'nothing') return TRUE
  return typed.isMany ? call('isEmpty', typed.expr) : call('isMissing', typed.expr)
}

/** The value as true, false or NULL. FHIRPath would take any single item for true; here that is a mistake. */
export function condition(typed: Typed, at: number): Expr {
  if (typed.type.kind === 'nothing') return NONE
  if (typed.type.kind === 'value' && typed.type.name === 'boolean') return single(typed)
  throw new ViewError(
    'VIEW_TYPE',
    `this is ${typeText(typed)}, where true or false is wanted`,
    { position: at },
    'add .exists(), or compare it',
  )
}

/** `integer`, `a list of HumanName`: for messages. */
export function typeText({ type, isMany }: Typed): string {
  const name =
    type.kind === 'choice'
      ? `${type.element.name}[x]`
      : type.kind === 'resource'
        ? 'Resource'
        : type.kind === 'nothing'
          ? 'nothing'
          : type.name
  return isMany ? `a list of ${name}` : name
}

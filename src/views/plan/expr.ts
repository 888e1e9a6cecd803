/**
 * The middle form of a FHIRPath: a small language of values and lists that any SQL dialect can say. A value that is
 * missing is NULL; an empty collection is an empty or missing list; a list holds no NULL.
 */
import type { ColumnType } from './column-type.ts'
import type { DecimalForm, Field, Shape } from './shape.ts'

export type Expr =
  /** What a surrounding `map`, `filter` or level calls by this name. */
  | { readonly op: 'var'; readonly name: string }
  | { readonly op: 'text'; readonly value: string }
  | { readonly op: 'integer'; readonly value: string }
  | { readonly op: 'boolean'; readonly value: boolean }
  /** Nothing: NULL. */
  | { readonly op: 'none' }
  | { readonly op: 'read'; readonly of: Expr; readonly field: Field; readonly as: ReadForm }
  /** JSON to an object of a shape. */
  | { readonly op: 'decode'; readonly of: Expr; readonly shape: Shape }
  /** Items for which `body` is NULL are left out. */
  | { readonly op: 'map'; readonly list: Expr; readonly item: string; readonly body: Expr }
  /** `body` is a list; all of them one after the other. */
  | { readonly op: 'flatMap'; readonly list: Expr; readonly item: string; readonly body: Expr }
  | { readonly op: 'filter'; readonly list: Expr; readonly item: string; readonly index: string; readonly test: Expr }
  /** The only item. Of several: NULL, or an error where the plan says so. */
  | { readonly op: 'only'; readonly list: Expr }
  /** A list of those that are not NULL. */
  | { readonly op: 'list'; readonly items: readonly Expr[] }
  | { readonly op: 'when'; readonly test: Expr; readonly then: Expr; readonly otherwise: Expr }
  | { readonly op: 'convert'; readonly of: Expr; readonly from: string; readonly to: ColumnType }
  | { readonly op: 'call'; readonly name: Primitive; readonly args: readonly Expr[] }
  /** `roots` (a list of JSON) and all below it, each before its own `children`, as JSON. `names`: see Repeat. */
  | {
      readonly op: 'descend'
      readonly roots: Expr
      readonly item: string
      readonly children: Expr
      readonly names: readonly string[]
    }

/** `value` for what has one form only, `json` for an object or `any` kept whole. */
export type ReadForm = DecimalForm | 'value' | 'json'

/** What a dialect must be able to say beside the above. `t` text, `n` number, `b` boolean, `l` list, `i` integer. */
export type Primitive =
  | 'and'
  | 'or'
  | 'not'
  | 'xor'
  | 'implies'
  | 'isMissing'
  | 'isPresent'
  | 'equal'
  | 'less'
  | 'lessOrEqual'
  | 'coalesce'
  | 'count'
  | 'isEmpty'
  | 'at'
  | 'last'
  | 'slice'
  | 'concat'
  | 'distinct'
  /** `l`, without those whose key in a second list has come before. */
  | 'distinctBy'
  | 'orEmpty'
  | 'sameList'
  | 'includes'
  | 'join'
  | 'append'
  | 'startsWith'
  | 'endsWith'
  | 'containsText'
  | 'matches'
  | 'matchesFull'
  | 'replace'
  | 'replaceMatches'
  | 'substring'
  | 'indexOf'
  | 'lastIndexOf'
  | 'length'
  | 'upper'
  | 'lower'
  | 'trim'
  | 'split'
  | 'number'
  | 'plus'
  | 'minus'
  | 'times'
  | 'over'
  | 'wholeOver'
  | 'remainder'
  | 'plusWhole'
  | 'minusWhole'
  | 'timesWhole'
  | 'abs'
  | 'ceiling'
  | 'floor'
  | 'round'
  | 'truncate'
  | 'toInteger'
  | 'toDecimal'
  | 'firstInstant'
  | 'endInstant'
  | 'precision'
  | 'dateKey'
  | 'resourceKey'
  | 'referenceKey'
  | 'referenceKeyOf'
  | 'lowDecimal'
  | 'highDecimal'
  /** A decimal down or up to so many places; NULL for fewer than 0 or more than 31. */
  | 'floorTo'
  | 'ceilTo'
  | 'lowDate'
  | 'highDate'
  | 'lowDateTime'
  | 'highDateTime'
  | 'lowTime'
  | 'highTime'

export function call(name: Primitive, ...args: Expr[]): Expr {
  return { op: 'call', name, args }
}

export function text(value: string): Expr {
  return { op: 'text', value }
}

export function whole(value: number): Expr {
  return { op: 'integer', value: String(value) }
}

export const NONE: Expr = { op: 'none' }
export const TRUE: Expr = { op: 'boolean', value: true }
export const FALSE: Expr = { op: 'boolean', value: false }

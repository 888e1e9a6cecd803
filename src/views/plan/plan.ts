/** The middle form of a whole view: which rows come of one resource, in no dialect's words. */
import type { ColumnType } from './column-type.ts'
import type { Expr } from './expr.ts'
import type { Shape } from './shape.ts'
import type { Check } from './watch.ts'

export interface Plan {
  readonly resource: string
  /** The variable that holds the resource. */
  readonly root: string
  readonly shape: Shape
  /** A resource for which one of them is not true gives no rows. */
  readonly where: readonly Expr[]
  readonly level: Level
  /** In the order of the output. */
  readonly columns: readonly PlanColumn[]
}

export interface PlanColumn {
  readonly name: string
  readonly type: ColumnType
  readonly isList: boolean
  /** The FHIR type of its values. */
  readonly fhirType: string
  readonly description: string | undefined
}

/**
 * What one focus gives: its cells, beside every combination of its parts' rows (the specification's Process(S, N);
 * nested selects without forEach are merged into their parent's level).
 */
export interface Level {
  readonly cells: readonly Cell[]
  readonly parts: readonly Part[]
}

/** A column's value at the level that has it. */
export interface Cell {
  readonly name: string
  readonly value: Expr
  /** What of it may be lost. */
  readonly checks?: readonly Check[]
}

export type Part =
  /** forEach, forEachOrNull and repeat: the level once for each item. */
  | {
      readonly kind: 'each'
      readonly list: Expr
      readonly item: string
      /** The variable of %rowIndex, from 0; undefined when nothing asks for it. */
      readonly index: string | undefined
      readonly level: Level
      /** Of an empty list, one row with a missing item. */
      readonly isOrNull: boolean
      readonly outer: string | undefined
    }
  /** unionAll: the rows of every branch. All branches have the columns `names`. */
  | {
      readonly kind: 'union'
      readonly branches: readonly Level[]
      readonly item: string
      readonly names: readonly string[]
      readonly outer: string | undefined
    }
// `outer` names the item of a surrounding forEachOrNull. Where that is missing, the part gives one row of NULL.
